// What the panel shows, and what its buttons do. The view redraws whenever `changed` is emitted.

import { PathExt } from '@jupyterlab/coreutils';
import { INotebookTracker, NotebookActions, NotebookPanel } from '@jupyterlab/notebook';
import { Poll } from '@lumino/polling';
import { ISignal, Signal } from '@lumino/signaling';

import * as api from './api';
import { aroundFile, atCursor, goTo, Runs } from './notebook';

/** Milliseconds between two looks at the state; what a terminal or another window did shows up by then. */
const EVERY = 3000;

export interface Said {
  text: string;
  /** Code is set as it stands, a sentence is wrapped. */
  code?: boolean;
  /** A button below it. */
  offer?: { label: string; act: () => Promise<void> };
}

export class Model {
  overview: api.Overview | null = null;
  /** Why there is no overview. */
  missing = '';
  chapter = '';
  exercise = '';
  said: Said | null = null;
  busy = false;

  private _changed = new Signal<this, void>(this);
  private runs = new Runs();
  private watched = new WeakSet<NotebookPanel>();
  private poll: Poll;

  constructor(
    private tracker: INotebookTracker,
    private open: (path: string) => Promise<NotebookPanel | undefined>
  ) {
    tracker.currentChanged.connect(() => void this.look());
    tracker.activeCellChanged.connect(() => this.follow());
    NotebookActions.executed.connect(() => void this.look());
    this.poll = new Poll({ factory: () => this.refresh(), frequency: { interval: EVERY, backoff: true, max: 10 * EVERY }, standby: 'when-hidden' });
  }

  get changed(): ISignal<this, void> {
    return this._changed;
  }

  /** What is known of the exercise at the cursor. */
  get current(): api.Exercise | undefined {
    return this.overview?.chapters.find(one => one.name === this.chapter)?.exercises.find(one => one.id === this.exercise);
  }

  /** Look at the state now. */
  async look(): Promise<void> {
    await this.poll.refresh();
    await this.poll.tick.catch(() => undefined);
  }

  private async refresh(): Promise<void> {
    try {
      const found = await api.overview(this.folder(), this.overview?.stamp ?? '');
      if (found) {
        this.overview = found;
        this.missing = '';
        this._changed.emit();
      }
    } catch (error) {
      if (error instanceof api.Told) {
        this.overview = null;
      }
      this.missing = error instanceof api.Told ? error.message : 'The server has no answer: it runs without lessonkit.';
      this._changed.emit();
      throw error; // the poll asks less often then
    } finally {
      this.follow();
    }
  }

  private folder(): string {
    const path = this.tracker.currentWidget?.context.path;
    return path ? PathExt.dirname(path) : '';
  }

  /** Find the exercise at the cursor of the notebook in front. */
  private follow(): void {
    const panel = this.tracker.currentWidget;
    if (panel && !this.watched.has(panel)) {
      this.watched.add(panel);
      this.runs.watch(panel);
    }
    const chapter = this.overview?.chapters.find(one => one.path && one.path === panel?.context.path);
    const known = new Set(chapter?.exercises.map(one => one.id));
    const exercise = panel && chapter ? atCursor(panel.content, known) : '';
    if (exercise !== this.exercise || (chapter?.name ?? '') !== this.chapter) {
      [this.chapter, this.exercise, this.said] = [chapter?.name ?? '', exercise, null];
      this._changed.emit();
    }
  }

  private tell(said: Said | null): void {
    this.said = said;
    this._changed.emit();
  }

  private where() {
    return { path: this.folder(), chapter: this.chapter, exercise: this.exercise };
  }

  /** Do something for the exercise at the cursor, one thing at a time; what goes wrong is said. */
  private async doing(work: () => Promise<Said | null>, meanwhile = ''): Promise<void> {
    if (this.busy) {
      return;
    }
    const { chapter, exercise } = this;
    this.busy = true;
    this.tell(meanwhile ? { text: meanwhile } : null);
    let said: Said | null = null;
    try {
      said = this.exercise ? await work() : { text: 'Put the cursor into an exercise first.' };
    } catch (error) {
      said = { text: error instanceof Error ? error.message : String(error) };
    }
    this.busy = false;
    await this.look();
    // the cursor may have gone on to an exercise that this was not said of
    this.tell(chapter === this.chapter && exercise === this.exercise ? said : null);
  }

  /** Run the exercise's answer and its checks in the notebook, and what they need where the kernel has not run it. */
  async check(): Promise<void> {
    await this.doing(async () => {
      const { exercise } = this;
      const panel = this.tracker.currentWidget!;
      await panel.context.save();
      const { cells } = await api.act('cells', this.where());
      const found = await this.runs.check(panel, exercise, cells ?? []);
      if (found.first >= 0) {
        await panel.content.scrollToItem(found.first, 'smart');
      }
      await panel.context.save();
      if (!found.of) {
        return { text: `${exercise}: its check cells are not in this notebook. Reset brings them back.` };
      }
      const rest = `${found.hold} of ${found.of} checks hold. What the others say stands under them.`;
      return { text: found.hold === found.of ? `${exercise}: pass` : `${exercise}: not yet, ${rest}` };
    }, `Checking ${this.exercise} …`);
  }

  async hint(): Promise<void> {
    await this.doing(async () => ({ text: (await api.act('hint', this.where())).text ?? '' }));
  }

  async solution(give_up = false): Promise<void> {
    await this.doing(async () => {
      try {
        return { text: (await api.act('solution', { ...this.where(), give_up })).text ?? '', code: true };
      } catch (error) {
        if (!(error instanceof api.Told) || this.current?.state === 'done' || give_up) {
          throw error;
        }
        return { text: error.message, offer: { label: 'Give up and show it', act: () => this.solution(true) } };
      }
    });
  }

  async reset(): Promise<void> {
    await this.doing(async () => {
      const { exercise } = this;
      await aroundFile(this.tracker.currentWidget, () => api.act('reset', this.where()));
      await goTo(this.tracker.currentWidget!, exercise);
      return { text: `${exercise}: as released. What stood there is kept.`, offer: { label: 'Undo', act: () => this.undo() } };
    });
  }

  async undo(): Promise<void> {
    await this.doing(async () => {
      const { exercise } = this;
      const { text } = await aroundFile(this.tracker.currentWidget, () => api.act('undo', this.where()));
      await goTo(this.tracker.currentWidget!, exercise);
      return { text: text?.split('\n')[0] ?? '' };
    });
  }

  /** Go to the next open exercise of the course. */
  async next(): Promise<void> {
    await this.look();
    const next = this.overview?.next;
    if (next) {
      await this.go(next.chapter, next.id);
    } else {
      this.tell({ text: this.overview?.line ?? this.missing });
    }
  }

  /** Open a chapter at an exercise. */
  async go(chapter: string, exercise: string): Promise<void> {
    const path = this.overview?.chapters.find(one => one.name === chapter)?.path;
    const panel = path ? await this.open(path) : undefined;
    if (!panel) {
      this.tell({ text: `${chapter} lies outside of the folder that JupyterLab shows. Start it there: course lab` });
    } else if (!(await goTo(panel, exercise))) {
      this.tell({ text: `${exercise} is not in this notebook. To have it back: course reset ${exercise}` });
    }
  }
}
