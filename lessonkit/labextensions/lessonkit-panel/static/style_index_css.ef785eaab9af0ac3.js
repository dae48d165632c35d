"use strict";(self.rspackChunklessonkit_panel=self.rspackChunklessonkit_panel||[]).push([["style_index_css"],{"./node_modules/css-loader/dist/cjs.js!./style/index.css"(e,t,o){var r=o("./node_modules/css-loader/dist/runtime/noSourceMaps.js"),n=o.n(r),s=o("./node_modules/css-loader/dist/runtime/api.js"),a=(o.n(s))()(n());a.push([e.id,`.lk-Panel {
  overflow: auto;
  padding: 12px;
  color: var(--jp-ui-font-color1);
  background: var(--jp-layout-color1);
  font-family: var(--jp-ui-font-family);
  font-size: var(--jp-ui-font-size1);
  line-height: 1.4;
}

.lk-Panel h2,
.lk-Panel h3,
.lk-Panel p {
  margin: 0 0 4px;
}

.lk-Panel h2 {
  font-size: var(--jp-ui-font-size2);
}

.lk-Panel h3 {
  font-size: var(--jp-ui-font-size1);
}

.lk-Panel progress {
  width: 100%;
  height: 8px;
  accent-color: var(--jp-brand-color1);
}

.lk-Panel code,
.lk-Panel pre {
  font-family: var(--jp-code-font-family);
  font-size: var(--jp-code-font-size);
}

.lk-Panel section {
  margin: 12px 0;
  padding: 8px;
  border: 1px solid var(--jp-border-color1);
  border-radius: 4px;
}

.lk-Buttons {
  display: flex;
  flex-wrap: wrap;
  gap: 4px;
}

.lk-Button,
.lk-Row {
  color: inherit;
  font: inherit;
  cursor: pointer;
}

.lk-Button {
  padding: 4px 8px;
  border: 1px solid var(--jp-border-color1);
  border-radius: 3px;
  background: var(--jp-layout-color2);
}

.lk-Button:hover:not(:disabled),
.lk-Row:hover,
.lk-Panel summary:hover {
  background: var(--jp-layout-color3);
}

.lk-Button:disabled {
  cursor: default;
  opacity: 0.5;
}

.lk-Panel :focus-visible {
  outline: 2px solid var(--jp-brand-color1);
  outline-offset: 1px;
}

.lk-Said {
  margin-top: 8px;
}

.lk-Said pre {
  max-height: 50vh;
  overflow: auto;
  margin: 0;
  padding: 8px;
  background: var(--jp-layout-color2);
  white-space: pre-wrap;
}

.lk-Panel summary {
  display: flex;
  gap: 8px;
  padding: 4px 2px;
  cursor: pointer;
}

.lk-Panel summary::before {
  content: '▸';
}

.lk-Panel details[open] > summary::before {
  content: '▾';
}

.lk-Panel ul {
  margin: 0;
  padding: 0 0 4px 8px;
  list-style: none;
}

.lk-Row {
  display: flex;
  gap: 8px;
  width: 100%;
  padding: 3px 4px;
  border: 0;
  background: none;
  text-align: left;
}

.lk-Row[aria-current] {
  background: var(--jp-layout-color2);
  font-weight: 600;
}

.lk-Name {
  flex: 1;
  overflow-wrap: anywhere;
}

.lk-Points {
  white-space: nowrap;
}

.lk-mod-done > span:first-child {
  color: var(--jp-success-color1);
}

/* for screen readers alone */
.lk-Hidden {
  position: absolute;
  width: 1px;
  height: 1px;
  overflow: hidden;
  clip-path: inset(50%);
  white-space: nowrap;
}
`,""]),o.d(t,{},{A:a})},"./node_modules/css-loader/dist/runtime/api.js"(e){e.exports=function(e){var t=[];return t.toString=function(){return this.map(function(t){var o="",r=void 0!==t[5];return t[4]&&(o+="@supports (".concat(t[4],") {")),t[2]&&(o+="@media ".concat(t[2]," {")),r&&(o+="@layer".concat(t[5].length>0?" ".concat(t[5]):""," {")),o+=e(t),r&&(o+="}"),t[2]&&(o+="}"),t[4]&&(o+="}"),o}).join("")},t.i=function(e,o,r,n,s){"string"==typeof e&&(e=[[null,e,void 0]]);var a={};if(r)for(var l=0;l<this.length;l++){var i=this[l][0];null!=i&&(a[i]=!0)}for(var d=0;d<e.length;d++){var u=[].concat(e[d]);r&&a[u[0]]||(void 0!==s&&(void 0===u[5]||(u[1]="@layer".concat(u[5].length>0?" ".concat(u[5]):""," {").concat(u[1],"}")),u[5]=s),o&&(u[2]&&(u[1]="@media ".concat(u[2]," {").concat(u[1],"}")),u[2]=o),n&&(u[4]?(u[1]="@supports (".concat(u[4],") {").concat(u[1],"}"),u[4]=n):u[4]="".concat(n)),t.push(u))}},t}},"./node_modules/css-loader/dist/runtime/noSourceMaps.js"(e){e.exports=function(e){return e[1]}},"./style/index.css"(e,t,o){o.r(t);var r=o("./node_modules/style-loader/dist/runtime/injectStylesIntoStyleTag.js"),n=o.n(r),s=o("./node_modules/style-loader/dist/runtime/styleDomAPI.js"),a=o.n(s),l=o("./node_modules/style-loader/dist/runtime/insertBySelector.js"),i=o.n(l),d=o("./node_modules/style-loader/dist/runtime/setAttributesWithoutAttributes.js"),u=o.n(d),c=o("./node_modules/style-loader/dist/runtime/insertStyleElement.js"),p=o.n(c),f=o("./node_modules/style-loader/dist/runtime/styleTagTransform.js"),m=o.n(f),y=o("./node_modules/css-loader/dist/cjs.js!./style/index.css"),v={};v.styleTagTransform=m(),v.setAttributes=u(),v.insert=i().bind(null,"head"),v.domAPI=a(),v.insertStyleElement=p(),n()(y.A,v);let h=y.A&&y.A.locals?y.A.locals:void 0;o.d(t,{},{default:h})},"./node_modules/style-loader/dist/runtime/injectStylesIntoStyleTag.js"(e){var t=[];function o(e){for(var o=-1,r=0;r<t.length;r++)if(t[r].identifier===e){o=r;break}return o}function r(e,r){for(var n={},s=[],a=0;a<e.length;a++){var l=e[a],i=r.base?l[0]+r.base:l[0],d=n[i]||0,u="".concat(i," ").concat(d);n[i]=d+1;var c=o(u),p={css:l[1],media:l[2],sourceMap:l[3],supports:l[4],layer:l[5]};if(-1!==c)t[c].references++,t[c].updater(p);else{var f=function(e,t){var o=t.domAPI(t);return o.update(e),function(t){t?(t.css!==e.css||t.media!==e.media||t.sourceMap!==e.sourceMap||t.supports!==e.supports||t.layer!==e.layer)&&o.update(e=t):o.remove()}}(p,r);r.byIndex=a,t.splice(a,0,{identifier:u,updater:f,references:1})}s.push(u)}return s}e.exports=function(e,n){var s=r(e=e||[],n=n||{});return function(e){e=e||[];for(var a=0;a<s.length;a++){var l=o(s[a]);t[l].references--}for(var i=r(e,n),d=0;d<s.length;d++){var u=o(s[d]);0===t[u].references&&(t[u].updater(),t.splice(u,1))}s=i}}},"./node_modules/style-loader/dist/runtime/insertBySelector.js"(e){var t={};e.exports=function(e,o){var r=function(e){if(void 0===t[e]){var o=document.querySelector(e);if(window.HTMLIFrameElement&&o instanceof window.HTMLIFrameElement)try{o=o.contentDocument.head}catch(e){o=null}t[e]=o}return t[e]}(e);if(!r)throw Error("Couldn't find a style target. This probably means that the value for the 'insert' parameter is invalid.");r.appendChild(o)}},"./node_modules/style-loader/dist/runtime/insertStyleElement.js"(e){e.exports=function(e){var t=document.createElement("style");return e.setAttributes(t,e.attributes),e.insert(t,e.options),t}},"./node_modules/style-loader/dist/runtime/setAttributesWithoutAttributes.js"(e,t,o){e.exports=function(e){var t=o.nc;t&&e.setAttribute("nonce",t)}},"./node_modules/style-loader/dist/runtime/styleDomAPI.js"(e){e.exports=function(e){if("u"<typeof document)return{update:function(){},remove:function(){}};var t=e.insertStyleElement(e);return{update:function(o){var r,n,s;r="",o.supports&&(r+="@supports (".concat(o.supports,") {")),o.media&&(r+="@media ".concat(o.media," {")),(n=void 0!==o.layer)&&(r+="@layer".concat(o.layer.length>0?" ".concat(o.layer):""," {")),r+=o.css,n&&(r+="}"),o.media&&(r+="}"),o.supports&&(r+="}"),(s=o.sourceMap)&&"u">typeof btoa&&(r+="\n/*# sourceMappingURL=data:application/json;base64,".concat(btoa(unescape(encodeURIComponent(JSON.stringify(s))))," */")),e.styleTagTransform(r,t,e.options)},remove:function(){var e;null===(e=t).parentNode||e.parentNode.removeChild(e)}}}},"./node_modules/style-loader/dist/runtime/styleTagTransform.js"(e){e.exports=function(e,t){if(t.styleSheet)t.styleSheet.cssText=e;else{for(;t.firstChild;)t.removeChild(t.firstChild);t.appendChild(document.createTextNode(e))}}}}]);