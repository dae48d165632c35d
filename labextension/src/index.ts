// The panel as a plugin: commands (palette, menu, toolbar and shortcuts name them in schema/plugin.json) and a place.

import { ILabShell, ILayoutRestorer, JupyterFrontEnd, JupyterFrontEndPlugin } from '@jupyterlab/application';
import { ICommandPalette } from '@jupyterlab/apputils';
import { INotebookTracker, NotebookPanel } from '@jupyterlab/notebook';

import { Model } from './model';
import { CoursePanel } from './panel';

const plugin: JupyterFrontEndPlugin<void> = {
  id: 'lessonkit-panel:plugin',
  description: 'Where a learner stands, and what to do with the exercise at the cursor',
  autoStart: true,
  requires: [INotebookTracker],
  optional: [ICommandPalette, ILabShell, ILayoutRestorer],
  activate: (
    app: JupyterFrontEnd,
    tracker: INotebookTracker,
    palette: ICommandPalette | null,
    shell: ILabShell | null,
    restorer: ILayoutRestorer | null
  ) => {
    const { commands } = app;
    const open = async (path: string) => (await commands.execute('docmanager:open', { path, factory: 'Notebook' })) as NotebookPanel | undefined;
    const model = new Model(tracker, open);
    const panel = new CoursePanel(model);
    const show = () => app.shell.activateById(panel.id);
    app.shell.add(panel, 'left', { rank: 150, type: 'Course' });
    restorer?.add(panel, panel.id);

    const add = (id: string, label: string, caption: string, act: () => Promise<void>, needsExercise = true) => {
      commands.addCommand(`lessonkit:${id}`, {
        label,
        caption,
        isVisible: () => id === 'show' || model.overview !== null,
        isEnabled: () => !needsExercise || (model.exercise !== '' && !model.busy),
        execute: async () => {
          show();
          await act();
        }
      });
      palette?.addItem({ command: `lessonkit:${id}`, category: 'Course' });
    };
    add('check', 'Check', 'Check the exercise at the cursor', () => model.check());
    add('hint', 'Hint', 'One more hint for the exercise at the cursor', () => model.hint());
    add('solution', 'Solution', 'The solution of the exercise at the cursor, after the pass', () => model.solution());
    add('reset', 'Reset', 'Give the exercise at the cursor back as it was released', () => model.reset());
    add('undo', 'Undo Reset', 'Take back the last reset, update or review', () => model.undo());
    add('next', 'Next', 'Go to the next open exercise', () => model.next(), false);
    add('show', 'Where I Stand', 'Show chapters and exercises', async () => panel.node.querySelector('button')?.focus(), false);

    model.changed.connect(() => commands.notifyCommandChanged());
    void shell?.restored.then(async layout => {
      await model.look();
      if (layout.fresh && model.overview) {
        show();
      }
    });
  }
};

export default plugin;
