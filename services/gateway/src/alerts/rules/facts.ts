import type { AlertScene, IncidentExample, IncidentPhrase, IncidentView, RunEndedEvent } from '@carillon/contracts'
import { phrase, phraseText } from './phrases.ts'

export type Cause = IncidentView['cause']

/** Something that happened, or that lasts, as rules are compared with it. */
export interface Fact {
  readonly scene: AlertScene
  readonly namespace: string
  readonly cause: Cause
  /** Its identity: the same event, read twice, is counted once. */
  readonly id: string
  /** When it happened, or since when it lasts. */
  readonly at: number
  readonly example: IncidentExample
  readonly job?: string | undefined
  readonly handler?: string | undefined
  readonly instance?: string | undefined
  readonly service?: string | undefined
}

/** What happened, as an example keeps it. */
export const said = (one: IncidentPhrase) => ({ what: phraseText(one, 'en'), phrase: one })

/** Letters of an error's text in an example. */
const ERROR_LETTERS = 300

const SCENE_OF_STATE: Partial<Record<RunEndedEvent['state'], AlertScene>> = {
  failed: 'run-failed',
  timed_out: 'run-timed-out',
  expired: 'run-expired',
}

/** What the end of a run is, if it is one that rules are about; its other scenes need what is stored. */
export function factOfEnd(namespace: string, event: RunEndedEvent): Fact | undefined {
  const scene = SCENE_OF_STATE[event.state]
  if (scene === undefined) return undefined
  const { runId, job, handler, state, reason, attempt, at, failure } = event
  const error = failure === undefined ? {} : { error: `${failure.name}: ${failure.message}`.slice(0, ERROR_LETTERS) }
  return {
    scene,
    namespace,
    cause: job === undefined ? { kind: 'handler', name: handler } : { kind: 'job', name: job },
    id: `${runId}.${state}.${attempt}`,
    at: Date.parse(at),
    example: { at, ...said(phrase('ended', { state, reason })), runId, ...error },
    job,
    handler,
  }
}

/** A run that ended badly, in another scene: as one of several in a row, or as the retry of a call that was given up. */
export const inScene = (fact: Fact, scene: AlertScene): Fact => ({
  ...fact,
  scene,
  ...(scene === 'dead-letter' && fact.handler !== undefined ? { cause: { kind: 'handler', name: fact.handler } } : {}),
})

interface InstanceEvent {
  readonly instance: string
  readonly service: string
  readonly at: string
}

/** An instance that was lost, or is hung. Those of one service are one cause: what ends one often ends others. */
export function factOfInstance(namespace: string, event: InstanceEvent, what: 'lost' | 'hung'): Fact {
  const { instance, service, at } = event
  return {
    scene: what === 'lost' ? 'instance-lost' : 'instance-hung',
    namespace,
    cause: { kind: 'service', name: service },
    id: JSON.stringify([instance, what, at]),
    at: Date.parse(at),
    example: { at, ...said(phrase(what)), instance },
    instance,
    service,
  }
}

/** The instance of the identity of such a fact. */
export const instanceOf = (id: string): string => (JSON.parse(id) as [string])[0]
