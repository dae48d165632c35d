// What the panel does with an open notebook: find the exercise at the cursor, go to one, run what its check needs.

import { Notebook, NotebookActions, NotebookPanel } from '@jupyterlab/notebook';

/** The statement of an exercise is headed `### Exercise 1.4 · relu`, its name in backticks. */
const STATEMENT = /^###\s.*·\s*`(\w+)`/m;

type Cell = Notebook['widgets'][number];

/** The exercise that a cell belongs to by its grade id or as its statement, '' for any other. */
function exerciseOf(cell: Cell): string {
  const marks = cell.model.getMetadata('nbgrader') as { grade_id?: string; grade?: boolean; solution?: boolean } | undefined;
  if (marks?.grade_id && (marks.grade || marks.solution)) {
    return marks.grade_id.split('__')[0];
  }
  return cell.model.type === 'markdown' ? (STATEMENT.exec(cell.model.sharedModel.getSource())?.[1] ?? '') : '';
}

/** The exercise at the cursor: the nearest at or above it, else the first below. '' where there is none of `known`. */
export function atCursor(notebook: Notebook, known: Set<string>): string {
  const names = notebook.widgets.map(exerciseOf);
  const here = notebook.activeCellIndex;
  const near = [...names.slice(0, here + 1).reverse(), ...names.slice(here + 1)];
  return near.find(name => known.has(name)) ?? '';
}

/** Put the cursor on an exercise's answer with its statement in sight; false where the notebook has no such cell. */
export async function goTo(panel: NotebookPanel, exercise: string): Promise<boolean> {
  await panel.context.ready;
  await panel.revealed;
  const notebook = panel.content;
  const cells = notebook.widgets.map(exerciseOf);
  const first = cells.indexOf(exercise);
  if (first < 0) {
    return false;
  }
  const answer = notebook.widgets.findIndex((cell, i) => cells[i] === exercise && cell.model.type === 'code');
  notebook.activeCellIndex = answer < 0 ? first : answer;
  notebook.deselectAll();
  panel.activate();
  for (let tries = 0; tries < 20; tries++) {
    await notebook.scrollToItem(first, 'start');
    await new Promise(resolve => setTimeout(resolve, 100));
    if (inSight(notebook, first)) {
      break; // a notebook that was just opened is laid out by and by, and scrolls nowhere until then
    }
  }
  return true;
}

function inSight(notebook: Notebook, index: number): boolean {
  const { node } = notebook.widgets[index];
  const [cell, view] = [node.getBoundingClientRect(), notebook.node.getBoundingClientRect()];
  return node.isConnected && cell.height > 0 && cell.bottom > view.top && cell.top < view.bottom;
}

/** Remembers which cells a kernel has run since it started, so that a check runs only what is missing. */
export class Runs {
  private ran = new WeakMap<Notebook, Set<string>>();

  constructor() {
    NotebookActions.executed.connect((_, { notebook, cell, success }) => {
      if (success) {
        this.of(notebook).add(cell.model.id);
      }
    });
  }

  /** Forget a notebook's runs whenever its kernel starts anew. */
  watch(panel: NotebookPanel): void {
    panel.sessionContext.kernelChanged.connect(() => this.ran.delete(panel.content));
    panel.sessionContext.statusChanged.connect((_, status) => {
      if (status === 'restarting' || status === 'autorestarting') {
        this.ran.delete(panel.content);
      }
    });
  }

  /**
   * Run an exercise's answer and checks, before them those of `needed` that have not run yet.
   * Returns how many of its checks hold, how many there are, and the first that does not.
   */
  async check(panel: NotebookPanel, exercise: string, needed: string[]): Promise<{ hold: number; of: number; first: number }> {
    await panel.sessionContext.ready;
    const notebook = panel.content;
    const wanted = new Set(needed);
    const result = { hold: 0, of: 0, first: -1 };
    for (const [index, cell] of [...notebook.widgets].entries()) {
      const own = exerciseOf(cell) === exercise;
      if (!wanted.has(cell.model.id) || (!own && this.of(notebook).has(cell.model.id))) {
        continue;
      }
      const success = await NotebookActions.runCells(notebook, [cell], panel.sessionContext);
      const marks = cell.model.getMetadata('nbgrader') as { grade?: boolean } | undefined;
      if (own && marks?.grade) {
        result.of += 1;
        result.hold += success ? 1 : 0;
        result.first = success || result.first >= 0 ? result.first : index;
      }
    }
    return result;
  }

  private of(notebook: Notebook): Set<string> {
    const found = this.ran.get(notebook) ?? new Set<string>();
    this.ran.set(notebook, found);
    return found;
  }
}

/** Save a notebook, let `change` change its file, and show what stands there then; the kernel goes on. */
export async function aroundFile<T>(panel: NotebookPanel | null, change: () => Promise<T>): Promise<T> {
  await panel?.context.save();
  const made = await change();
  await panel?.context.revert();
  return made;
}
