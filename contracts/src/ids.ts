import { LIMITS } from './limits.ts'

const ALPHABET = '0123456789abcdefghjkmnpqrstvwxyz'
const TIME_LETTERS = 10
const COUNT_LETTERS = 4
const RANDOM_LETTERS = 12
const LAST_COUNT = 32 ** COUNT_LETTERS - 1

/** The format of a fresh run id: 26 letters, 10 of time and 16 of randomness; derived ids begin with a letter, those of slots go on with the slot's time. No `-`, which begins the index of a task. */
export const RUN_ID = /^[0-9a-z]{16,48}$/

/**
 * A source of fresh run ids: unique without a round trip, and sorting by the time they were made (within one source strictly).
 * @param now milliseconds since 1970
 * @param randomBytes fills its argument with random bytes
 */
export function createIdSource(now: () => number, randomBytes: (into: Uint8Array) => void): () => string {
  const random = new Uint8Array(RANDOM_LETTERS)
  let lastMs = -1
  let prefix = ''
  let tail = ''
  let counter = 0
  return () => {
    const ms = now()
    // A clock that is set back, or stands still for a million ids, must not unsort them.
    if (ms > lastMs || counter > LAST_COUNT) {
      lastMs = Math.max(ms, lastMs + 1)
      counter = 0
      prefix = timeLetters(lastMs)
      randomBytes(random)
      tail = ''
      for (let i = 0; i < random.length; i++) tail += ALPHABET[(random[i] as number) & 31]
    }
    return prefix + encode(counter++, COUNT_LETTERS) + tail
  }
}

/** Milliseconds since 1970 as 10 letters that sort by time. */
export const timeLetters = (ms: number) => encode(ms, TIME_LETTERS)

function encode(value: number, letters: number): string {
  let text = ''
  for (let rest = value, i = 0; i < letters; i++, rest = Math.floor(rest / 32)) text = ALPHABET[rest % 32] + text
  return text
}

/** What may be the id of a task. */
export const TASK_ID = new RegExp(`^[A-Za-z0-9][A-Za-z0-9_-]{0,${LIMITS.taskIdLength - 1}}$`)
/** Whether an id is that of a task of a fan-out run; the only task of a single run has the run's own id. */
export const isTaskId = (id: string) => id.includes('-')
/** The run of a task of a fan-out run; undefined for every other id. */
export const runIdOfTask = (id: string) => (isTaskId(id) ? id.slice(0, id.indexOf('-')) : undefined)
/** The id of a task of a fan-out run. Ids of one run sort by index, and of a map by their way from the root. */
export const taskIdOf = (runId: string, index: number) => `${runId}-${String(index).padStart(5, '0')}`

const PLACE_LETTERS = 2
const CALL_LETTERS = 4
/** Calls to map of one task that have an id of their own. */
export const MAP_CALLS = 36 ** CALL_LETTERS

/** The stages of a map-reduce run, in the order in which their ids sort. */
export type Stage = 'map' | 'reduce' | 'merge'
const STAGE_LETTERS: Readonly<Record<Stage, string>> = { map: 'a', reduce: 'b', merge: 'c' }
/** Where the ids of a stage begin: every task of it, and none of the stages before, is not below this. */
export const stageStart = (runId: string, stage: Stage) => `${runId}-${STAGE_LETTERS[stage]}`
/** The root of a map, a part of its reduce, its merge. */
export const stageTaskId = (runId: string, stage: Stage, index = 0) =>
  stage === 'reduce' ? `${stageStart(runId, stage)}${String(index).padStart(5, '0')}` : stageStart(runId, stage)
const NODE_DIGITS = 3
const NODE_TASK = /-([nu])(\d{3})g([0-9a-z]+)$/
const taskIdOfNode = (start: string, place: number, generation: number) =>
  `${start}${String(place).padStart(NODE_DIGITS, '0')}g${generation.toString(36)}`
/** The task of a node of a workflow. @param generation how often it has been begun, from 1 */
export const nodeTaskId = (runId: string, place: number, generation: number) => taskIdOfNode(`${runId}-n`, place, generation)
/** Where the ids of the tasks begin that undo nodes: all other tasks of the run are below this. */
export const undoStart = (runId: string) => `${runId}-u`
/** The task that undoes a node of a workflow, as it was begun in this generation. */
export const undoTaskId = (runId: string, place: number, generation: number) => taskIdOfNode(undoStart(runId), place, generation)
/** The node that a task is, by its place in the graph; undefined for all other tasks. */
export const nodeOfTask = (taskId: string) => nodeIn(taskId, 'n')
/** The node that a task undoes. */
export const undoneByTask = (taskId: string) => nodeIn(taskId, 'u')
function nodeIn(taskId: string, letter: 'n' | 'u'): { place: number; generation: number } | undefined {
  const [, found, place, generation] = NODE_TASK.exec(taskId) ?? []
  if (found !== letter || place === undefined || generation === undefined) return undefined
  return { place: Number(place), generation: Number.parseInt(generation, 36) }
}
/** The task of one item of one call to map. */
export const childTaskId = (parentId: string, call: number, place: number) =>
  `${parentId}-${call.toString(36).padStart(CALL_LETTERS, '0')}${place.toString(36).padStart(PLACE_LETTERS, '0')}`
/** The stage that a task of a map-reduce run belongs to. */
export function stageOf(taskId: string): Stage {
  const letter = taskId[taskId.indexOf('-') + 1]
  return letter === 'c' ? 'merge' : letter === 'b' ? 'reduce' : 'map'
}
