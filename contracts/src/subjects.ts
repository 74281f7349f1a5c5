import { checkName } from './names.ts'

/** First token of every subject. */
export const SUBJECT_ROOT = 'carillon'
/** The namespace of whoever names none. */
export const DEFAULT_NAMESPACE = 'default'

const subject = (namespace: string, ...tokens: string[]) => `${SUBJECT_ROOT}.${namespace}.${tokens.join('.')}`

/** Builders of every subject. Tokens must have passed `checkName`; `triggerSubject` and the like check them again at the SDK's edge. */
export const subjects = {
  trigger: (namespace: string, job: string) => subject(checkName('namespace', namespace), 'trigger', checkName('job', job)),
  work: (namespace: string, handler: string, taskId: string) => subject(namespace, 'work', handler, 'normal', taskId),
  direct: (namespace: string, instance: string) => subject(namespace, 'direct', instance),
  report: (namespace: string, instance: string) => subject(namespace, 'report', instance),
  log: (namespace: string, runId: string) => subject(namespace, 'log', runId),
  event: (namespace: string, noun: EventNoun, name: string, what: string) => subject(namespace, 'event', noun, name, what),
  live: (namespace: string, noun: 'run' | 'job', name: string, what: string) => subject(namespace, 'live', noun, name, what),
  control: (namespace: string, instance: string) => subject(namespace, 'control', instance),
  beat: (namespace: string, instance: string) => subject(namespace, 'beat', instance),
  api: (namespace: string, noun: string, verb: string) => subject(namespace, 'api', noun, verb),
}

/** Things whose changes are events. */
export type EventNoun = 'run' | 'job' | 'instance' | 'message'

/** The tokens of a subject of ours, or undefined for a foreign one. `rest` are the tokens after the class. */
export function parseSubject(text: string): { namespace: string; class: string; rest: string[] } | undefined {
  const [root, namespace, kind, ...rest] = text.split('.')
  if (root !== SUBJECT_ROOT || namespace === undefined || kind === undefined) return undefined
  return { namespace, class: kind, rest }
}
