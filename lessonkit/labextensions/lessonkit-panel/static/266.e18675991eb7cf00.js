"use strict";(self.rspackChunklessonkit_panel=self.rspackChunklessonkit_panel||[]).push([[266],{646(e,r,n){var o=n(601),t=n.n(o),a=n(314),i=(n.n(a))()(t());i.push([e.id,`.lk-Panel {
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
`,""]),n.d(r,{},{A:i})},314(e){e.exports=function(e){var r=[];return r.toString=function(){return this.map(function(r){var n="",o=void 0!==r[5];return r[4]&&(n+="@supports (".concat(r[4],") {")),r[2]&&(n+="@media ".concat(r[2]," {")),o&&(n+="@layer".concat(r[5].length>0?" ".concat(r[5]):""," {")),n+=e(r),o&&(n+="}"),r[2]&&(n+="}"),r[4]&&(n+="}"),n}).join("")},r.i=function(e,n,o,t,a){"string"==typeof e&&(e=[[null,e,void 0]]);var i={};if(o)for(var l=0;l<this.length;l++){var s=this[l][0];null!=s&&(i[s]=!0)}for(var p=0;p<e.length;p++){var c=[].concat(e[p]);o&&i[c[0]]||(void 0!==a&&(void 0===c[5]||(c[1]="@layer".concat(c[5].length>0?" ".concat(c[5]):""," {").concat(c[1],"}")),c[5]=a),n&&(c[2]&&(c[1]="@media ".concat(c[2]," {").concat(c[1],"}")),c[2]=n),t&&(c[4]?(c[1]="@supports (".concat(c[4],") {").concat(c[1],"}"),c[4]=t):c[4]="".concat(t)),r.push(c))}},r}},601(e){e.exports=function(e){return e[1]}},665(e,r,n){n.r(r);var o=n(72),t=n.n(o),a=n(825),i=n.n(a),l=n(659),s=n.n(l),p=n(56),c=n.n(p),u=n(540),d=n.n(u),f=n(113),v=n.n(f),h=n(646),m={};m.styleTagTransform=v(),m.setAttributes=c(),m.insert=s().bind(null,"head"),m.domAPI=i(),m.insertStyleElement=d(),t()(h.A,m);let g=h.A&&h.A.locals?h.A.locals:void 0;n.d(r,{},{default:g})},72(e){var r=[];function n(e){for(var n=-1,o=0;o<r.length;o++)if(r[o].identifier===e){n=o;break}return n}function o(e,o){for(var t={},a=[],i=0;i<e.length;i++){var l=e[i],s=o.base?l[0]+o.base:l[0],p=t[s]||0,c="".concat(s," ").concat(p);t[s]=p+1;var u=n(c),d={css:l[1],media:l[2],sourceMap:l[3],supports:l[4],layer:l[5]};if(-1!==u)r[u].references++,r[u].updater(d);else{var f=function(e,r){var n=r.domAPI(r);return n.update(e),function(r){r?(r.css!==e.css||r.media!==e.media||r.sourceMap!==e.sourceMap||r.supports!==e.supports||r.layer!==e.layer)&&n.update(e=r):n.remove()}}(d,o);o.byIndex=i,r.splice(i,0,{identifier:c,updater:f,references:1})}a.push(c)}return a}e.exports=function(e,t){var a=o(e=e||[],t=t||{});return function(e){e=e||[];for(var i=0;i<a.length;i++){var l=n(a[i]);r[l].references--}for(var s=o(e,t),p=0;p<a.length;p++){var c=n(a[p]);0===r[c].references&&(r[c].updater(),r.splice(c,1))}a=s}}},659(e){var r={};e.exports=function(e,n){var o=function(e){if(void 0===r[e]){var n=document.querySelector(e);if(window.HTMLIFrameElement&&n instanceof window.HTMLIFrameElement)try{n=n.contentDocument.head}catch(e){n=null}r[e]=n}return r[e]}(e);if(!o)throw Error("Couldn't find a style target. This probably means that the value for the 'insert' parameter is invalid.");o.appendChild(n)}},540(e){e.exports=function(e){var r=document.createElement("style");return e.setAttributes(r,e.attributes),e.insert(r,e.options),r}},56(e,r,n){e.exports=function(e){var r=n.nc;r&&e.setAttribute("nonce",r)}},825(e){e.exports=function(e){if("u"<typeof document)return{update:function(){},remove:function(){}};var r=e.insertStyleElement(e);return{update:function(n){var o,t,a;o="",n.supports&&(o+="@supports (".concat(n.supports,") {")),n.media&&(o+="@media ".concat(n.media," {")),(t=void 0!==n.layer)&&(o+="@layer".concat(n.layer.length>0?" ".concat(n.layer):""," {")),o+=n.css,t&&(o+="}"),n.media&&(o+="}"),n.supports&&(o+="}"),(a=n.sourceMap)&&"u">typeof btoa&&(o+="\n/*# sourceMappingURL=data:application/json;base64,".concat(btoa(unescape(encodeURIComponent(JSON.stringify(a))))," */")),e.styleTagTransform(o,r,e.options)},remove:function(){var e;null===(e=r).parentNode||e.parentNode.removeChild(e)}}}},113(e){e.exports=function(e,r){if(r.styleSheet)r.styleSheet.cssText=e;else{for(;r.firstChild;)r.removeChild(r.firstChild);r.appendChild(document.createTextNode(e))}}}}]);