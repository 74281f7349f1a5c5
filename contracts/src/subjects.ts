import { checkName } from './names.ts'
import type { Priority } from './plan.ts'

/** First token of every subject. */
export const SUBJECT_ROOT = 'carillon'
/** The namespace where none is named. */
export const DEFAULT_NAMESPACE = 'default'

/** Builders of every subject. Tokens must have passed `checkName`; `triggerSubject` and the like check them again at the SDK's edge. */
export const subjects = {
  trigger: (namespace: string, job: string) => `${SUBJECT_ROOT}.${checkName('namespace', namespace)}.trigger.${checkName('job', job)}`,
  /** A message to a run, which may not have been started yet. */
  signal: (namespace: string, runId: string, name: string) =>
    `${SUBJECT_ROOT}.${checkName('namespace', namespace)}.signal.${checkName('runId', runId)}.${checkName('name', name)}`,
  /** @param taskId of a single run its run's id; of a fan-out run `<runId>-<index>`, which becomes two tokens, so that all of a run can be named */
  work: (namespace: string, handler: string, taskId: string, priority: Priority = 'normal') =>
    `${SUBJECT_ROOT}.${namespace}.work.${handler}.${priority}.${taskId.replace('-', '.')}`,
  direct: (namespace: string, instance: string) => `${SUBJECT_ROOT}.${namespace}.direct.${instance}`,
  report: (namespace: string, instance: string) => `${SUBJECT_ROOT}.${namespace}.report.${instance}`,
  log: (namespace: string, runId: string) => `${SUBJECT_ROOT}.${namespace}.log.${runId}`,
  event: (namespace: string, noun: EventNoun, name: string, what: string) => `${SUBJECT_ROOT}.${namespace}.event.${noun}.${name}.${what}`,
  live: (namespace: string, noun: 'run' | 'task' | 'job' | 'calendar' | 'gate' | 'alert', name: string, what: string) =>
    `${SUBJECT_ROOT}.${namespace}.live.${noun}.${name}.${what}`,
  control: (namespace: string, instance: string) => `${SUBJECT_ROOT}.${namespace}.control.${instance}`,
  /** The subject on which one process answers that it is alive. */
  session: (namespace: string, instance: string, session: string) => `${SUBJECT_ROOT}.${namespace}.session.${instance}.${session}`,
  /** A coordinator finds that an instance does nothing. */
  hung: (namespace: string, instance: string) => `${SUBJECT_ROOT}.${namespace}.hung.${instance}`,
  beat: (namespace: string, instance: string) => `${SUBJECT_ROOT}.${namespace}.beat.${instance}`,
  /** Gateways read accounts again. Accounts belong to no namespace: the default one stands for all. */
  accounts: () => `${SUBJECT_ROOT}.${DEFAULT_NAMESPACE}.accounts.changed`,
  api: (namespace: string, noun: string, verb: string) => `${SUBJECT_ROOT}.${namespace}.api.${noun}.${verb}`,
}

/** The nouns whose changes are published as events. */
export type EventNoun = 'run' | 'job' | 'calendar' | 'instance' | 'message' | 'deadLetter' | 'audit' | 'incident'

/** The tokens of a subject of Carillon, or undefined for a foreign one. `rest` are the tokens after the class. */
export function parseSubject(text: string): { namespace: string; class: string; rest: string[] } | undefined {
  const [root, namespace, kind, ...rest] = text.split('.')
  if (root !== SUBJECT_ROOT || namespace === undefined || kind === undefined) return undefined
  return { namespace, class: kind, rest }
}
