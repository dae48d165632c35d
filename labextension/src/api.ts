// What the server's half of the panel (lessonkit/learner/server.py) is asked, and what it answers.

import { URLExt } from '@jupyterlab/coreutils';
import { ServerConnection } from '@jupyterlab/services';

/** `done`; `again` where its checks changed since; `tried`; `open`. */
export type Standing = 'done' | 'again' | 'tried' | 'open';

export interface Exercise {
  id: string;
  minutes: number;
  points: number;
  state: Standing;
}

export interface Chapter {
  name: string;
  title: string;
  /** The notebook, as the contents API names it; '' where it lies outside of what the server shows. */
  path: string;
  exercises: Exercise[];
}

export interface Overview {
  folder: string;
  stamp: string;
  chapters: Chapter[];
  next: { chapter: string; id: string } | null;
  line: string;
  minutes: number;
  note: string;
}

export type Verb = 'cells' | 'hint' | 'solution' | 'reset' | 'undo';

/** What a learner is told in a sentence: no workspace here, a solution that is locked. */
export class Told extends Error {}

async function request<T>(path: string, init: RequestInit = {}): Promise<T> {
  const settings = ServerConnection.makeSettings();
  const url = URLExt.join(settings.baseUrl, 'lessonkit', path);
  const response = await ServerConnection.makeRequest(url, init, settings);
  if (response.status === 409) {
    throw new Told((await response.json()).message);
  }
  if (!response.ok) {
    throw await ServerConnection.ResponseError.create(response);
  }
  return response.json();
}

/** Where one stands in the workspace around `folder`; null where nothing changed since `stamp`. */
export async function overview(folder: string, stamp: string): Promise<Overview | null> {
  const query = URLExt.objectToQueryString({ path: folder, stamp });
  const found = await request<Overview | Record<string, never>>(`overview${query}`);
  return 'stamp' in found ? (found as Overview) : null;
}

/** Do one verb for an exercise: `text` is what it says, `cells` are the cells that a check needs. */
export async function act(
  verb: Verb,
  where: { path: string; chapter: string; exercise: string; give_up?: boolean }
): Promise<{ text?: string; cells?: string[] }> {
  return request('do', { method: 'POST', body: JSON.stringify({ verb, ...where }) });
}
