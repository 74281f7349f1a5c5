import { CarillonError, isName, printable, type Role } from '@carillon/contracts'

/** What a topic is about: lists of the namespace, or one run. */
export type TopicKind = keyof typeof LISTS | keyof typeof OF_RUN

/** What a reader of the multiplexed stream can follow. */
export interface Topic {
  /** As readers write it: `runs`, `run:<id>`. */
  readonly name: string
  readonly kind: TopicKind
  /** Subjects after `carillon.<namespace>.`. */
  readonly subjects: readonly string[]
  /** Without the right to see payloads it is refused: nothing of it could be shown. */
  readonly needsPayloads: boolean
  /**
   * Messages a second that are passed on singly; undefined: all. Beyond that a browser cannot draw them one by one, so readers are asked at the end of
   * the second to read the list again.
   */
  readonly perSecond: number | undefined
}

/** Readers draw a row for each: more are refreshed as a list. */
const ROWS_PER_SECOND = 1_000
/** A handler may report progress a thousand times a second: nobody sees the difference. */
const OF_ONE_RUN_PER_SECOND = 200

const LISTS = {
  runs: ['live.run.*.*', 'event.run.*.*'],
  jobs: ['event.job.*.*'],
  calendars: ['event.calendar.*.*'],
  instances: ['event.instance.*.*', 'beat.*'],
  deadLetters: ['event.deadLetter.*.*'],
  incidents: ['event.incident.*.*'],
} as const
const OF_RUN = {
  run: ['live.run.{}.*', 'live.task.{}.*', 'event.run.{}.*'],
  logs: ['log.{}'],
} as const

/** Topics of one stream: a page follows a handful; each is one or two subscriptions of the gateway. */
const TOPICS_PER_STREAM = 100
const NAMES = [...Object.keys(LISTS), ...Object.keys(OF_RUN).map((kind) => `${kind}:<runId>`)]

/** @throws CarillonError INVALID_REQUEST that names the topic */
export function topicOf(text: unknown): Topic {
  const [kind = '', runId, ...rest] = typeof text === 'string' ? text.split(':') : []
  if (runId === undefined && Object.hasOwn(LISTS, kind)) {
    const subjects = LISTS[kind as keyof typeof LISTS]
    return { name: kind, kind: kind as TopicKind, subjects, needsPayloads: false, perSecond: ROWS_PER_SECOND }
  }
  // A name holds no wildcard and no control character: the subject is that of one run, and what is sent back is one line.
  if (rest.length === 0 && isName(runId) && Object.hasOwn(OF_RUN, kind)) {
    const subjects = OF_RUN[kind as keyof typeof OF_RUN].map((subject) => subject.replace('{}', runId))
    const isLog = kind === 'logs'
    const perSecond = isLog ? undefined : OF_ONE_RUN_PER_SECOND
    return { name: `${kind}:${runId}`, kind: kind as TopicKind, subjects, needsPayloads: isLog, perSecond }
  }
  throw new CarillonError('INVALID_REQUEST', `${printable(text)} is no topic`, {
    field: 'topics',
    value: printable(text),
    hint: `There are ${NAMES.join(', ')}.`,
  })
}

/** Topics from a query: separated by commas, or given several times. @throws CarillonError INVALID_REQUEST */
export function topicsOf(given: unknown): Topic[] {
  const texts = [given ?? []].flat().flatMap((text: unknown) => (typeof text === 'string' ? text.split(',') : [text]))
  const names = [...new Set(texts.filter((text) => text !== ''))]
  checkTopicCount(names.length)
  return names.map(topicOf)
}

/** @throws CarillonError INVALID_REQUEST */
export function checkTopicCount(count: number): void {
  if (count <= TOPICS_PER_STREAM) return
  throw new CarillonError('INVALID_REQUEST', `${count} topics are too many for one stream`, {
    field: 'topics',
    value: String(count),
    hint: `Follow at most ${TOPICS_PER_STREAM}; \`runs\` has the changes of all runs.`,
  })
}

/** Who follows topics. */
interface TopicReaderRights {
  roleIn(namespace: string): Role | undefined
  seesPayloads(namespace: string): boolean
}

/** @throws CarillonError FORBIDDEN, the same whether there is anything in the namespace */
export function checkTopicRights(reader: TopicReaderRights, namespace: string, topics: readonly Topic[]): void {
  const refused = (text: string, value: string) => new CarillonError('FORBIDDEN', text, { field: 'topics', value })
  if (reader.roleIn(namespace) === undefined) throw refused(`Following namespace ${namespace} needs the role viewer in it`, namespace)
  if (reader.seesPayloads(namespace)) return
  const hidden = topics.find(({ needsPayloads }) => needsPayloads)
  if (hidden) throw refused(`Topic ${hidden.name} needs the right to see payloads in namespace ${namespace}`, hidden.name)
}
