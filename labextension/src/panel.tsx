// The view: where one stands, what to do with the exercise at the cursor, and all chapters with their exercises.

import { LabIcon, ReactWidget, UseSignal } from '@jupyterlab/ui-components';
import * as React from 'react';

import { Chapter, Exercise, Standing } from './api';
import { Model, Said } from './model';

/** What a state looks like, and the word for it. */
const MARKS: Record<Standing, [string, string]> = {
  done: ['●', 'done'],
  again: ['◐', 'done before its checks changed'],
  tried: ['◐', 'tried'],
  open: ['○', 'open']
};

export const icon = new LabIcon({
  name: 'lessonkit:course',
  svgstr:
    '<svg xmlns="http://www.w3.org/2000/svg" width="16" viewBox="0 0 24 24"><path class="jp-icon3 jp-icon-selectable" fill="#616161" ' +
    'd="M3 5l2 2 4-4 1.4 1.4L5 9.8 1.6 6.4zm9 0h10v2H12zM3 12l2 2 4-4 1.4 1.4L5 16.8l-3.4-3.4zm9 0h10v2H12zm0 7h10v2H12zm-9 0h6v2H3z"/></svg>'
});

/** A text in which what stands between backticks is set as code. */
function Prose({ text }: { text: string }): JSX.Element {
  return <>{text.split('`').map((part, i) => (i % 2 ? <code key={i}>{part}</code> : part))}</>;
}

function Message({ said }: { said: Said | null }): JSX.Element {
  return (
    <>
      <div className="lk-Said" role="status">
        {said && (said.code ? <pre tabIndex={0}>{said.text}</pre> : said.text.split('\n').map((line, i) => <p key={i}><Prose text={line} /></p>))}
      </div>
      {said?.offer && (
        <button className="lk-Button" onClick={() => void said.offer!.act()}>
          {said.offer.label}
        </button>
      )}
    </>
  );
}

function Current({ model }: { model: Model }): JSX.Element {
  const { current } = model;
  const verbs: [string, () => Promise<void>][] = [
    ['Check', () => model.check()],
    ['Hint', () => model.hint()],
    ['Solution', () => model.solution()],
    ['Reset', () => model.reset()]
  ];
  return (
    <section aria-label="The exercise at the cursor" aria-busy={model.busy}>
      <h3>{current ? <code>{current.id}</code> : 'No exercise at the cursor'}</h3>
      {current && <p>{`${MARKS[current.state][1]}, ${current.points} points, about ${current.minutes} minutes`}</p>}
      <div className="lk-Buttons" role="group" aria-label="Do with this exercise">
        {verbs.map(([label, act]) => (
          <button className="lk-Button" key={label} disabled={!current || model.busy} onClick={() => void act()}>
            {label}
          </button>
        ))}
        <button className="lk-Button" onClick={() => void model.next()}>
          Next
        </button>
      </div>
      <Message said={model.said} />
    </section>
  );
}

function Row({ exercise, here, go }: { exercise: Exercise; here: boolean; go: () => void }): JSX.Element {
  const [mark, word] = MARKS[exercise.state];
  return (
    <li>
      <button className={`lk-Row lk-mod-${exercise.state}`} aria-current={here || undefined} onClick={go}>
        <span aria-hidden="true">{mark}</span>
        <span className="lk-Name">{exercise.id}</span>
        <span className="lk-Points">{`${exercise.points} pt`}</span>
        <span className="lk-Hidden">{word}</span>
      </button>
    </li>
  );
}

function ChapterList({ chapter, model }: { chapter: Chapter; model: Model }): JSX.Element {
  const here = chapter.name === model.chapter;
  const [open, setOpen] = React.useState(here);
  React.useEffect(() => {
    if (here) {
      setOpen(true);
    }
  }, [here]);
  const done = chapter.exercises.filter(one => one.state === 'done').length;
  return (
    <details open={open} onToggle={event => setOpen(event.currentTarget.open)}>
      <summary>
        <span className="lk-Name">{`${chapter.name.slice(0, 2)} ${chapter.title}`}</span>
        <span className="lk-Points">{`${done} of ${chapter.exercises.length}`}</span>
      </summary>
      <ul>
        {chapter.exercises.map(one => (
          <Row
            key={one.id}
            exercise={one}
            here={here && one.id === model.exercise}
            go={() => void model.go(chapter.name, one.id)}
          />
        ))}
      </ul>
    </details>
  );
}

function Course({ model }: { model: Model }): JSX.Element {
  const { overview } = model;
  if (!overview) {
    return <p role="status">{model.missing || 'Looking for the course …'}</p>;
  }
  const all = overview.chapters.flatMap(one => one.exercises);
  const done = all.filter(one => one.state === 'done');
  const sum = (some: Exercise[]) => some.reduce((total, one) => total + one.points, 0);
  return (
    <>
      <h2>{overview.folder}</h2>
      <p id="lk-progress">{`${done.length} of ${all.length} exercises, ${sum(done)} of ${sum(all)} points`}</p>
      <progress aria-labelledby="lk-progress" value={done.length} max={all.length || 1} />
      {overview.note && <p>{overview.note}</p>}
      <Current model={model} />
      <nav aria-label="Chapters">
        {overview.chapters.map(one => (
          <ChapterList key={one.name} chapter={one} model={model} />
        ))}
      </nav>
    </>
  );
}

export class CoursePanel extends ReactWidget {
  constructor(private model: Model) {
    super();
    this.id = 'lessonkit-panel';
    this.title.icon = icon;
    this.title.caption = 'Course: where you stand';
    this.node.setAttribute('role', 'region');
    this.node.setAttribute('aria-label', 'Course');
    this.addClass('lk-Panel');
  }

  protected render(): JSX.Element {
    return <UseSignal signal={this.model.changed}>{() => <Course model={this.model} />}</UseSignal>;
  }
}
