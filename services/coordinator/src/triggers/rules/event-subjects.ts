import { CarillonError, type EventNoun, parseSubject, printable, SUBJECT_ROOT } from '@carillon/contracts'

/** What events of Carillon begin with, after the namespace: the only subjects of its own that may fire jobs. */
const EVENTS = 'event'
const NOUNS: readonly string[] = ['run', 'job', 'calendar', 'instance'] satisfies EventNoun[]
const TOKEN = /^[^\s.*>]+$/
const HINT = 'Use a subject such as orders.created, orders.* or orders.>; or of the own namespace, such as carillon.<namespace>.event.job.>'

/** @throws CarillonError INVALID_REQUEST of a subject that no stream takes, or that carries messages of Carillon itself or of others */
export function checkEventSubject(namespace: string, subject: string): void {
  const refuse = (why: string) => {
    throw new CarillonError('INVALID_REQUEST', `on.subject is wrong: ${printable(subject)} ${why}`, {
      field: 'on.subject',
      value: printable(subject),
      hint: HINT,
    })
  }
  const tokens = subject.split('.')
  const isWell = tokens.every((token, i) => token === '*' || (token === '>' && i === tokens.length - 1) || TOKEN.test(token))
  if (!isWell) refuse('is no subject')
  const [first = '', second, third, fourth = ''] = tokens
  if (first === '*' || first === '>') refuse('would also take the messages of Carillon itself')
  if (first.startsWith('$') || first.startsWith('_')) refuse('is of the broker')
  if (first !== SUBJECT_ROOT) return
  if (second !== namespace) refuse(`is not of namespace ${namespace}`)
  if (third !== EVENTS) refuse('carries messages by which Carillon works: a job that they fire would fire itself')
  // What cannot be applied is an event, too: one that a job does not understand would come again and again.
  if (!NOUNS.includes(fourth)) refuse(`names none of ${NOUNS.join(', ')}`)
}

/** Whether every subject that `inner` matches is matched by `outer`. */
export function covers(outer: string, inner: string): boolean {
  const [out, inn] = [outer.split('.'), inner.split('.')]
  for (const [i, token] of out.entries()) {
    if (token === '>') return inn.length > i
    const other = inn[i]
    if (other === undefined || other === '>' || (token !== '*' && token !== other)) return false
  }
  return out.length === inn.length
}

/** These patterns without those that others of them cover: a stream and a consumer have no two that overlap. */
export function smallestCover(patterns: readonly string[]): string[] {
  const distinct = [...new Set(patterns)].sort()
  return distinct.filter((pattern) => !distinct.some((other) => other !== pattern && covers(other, pattern)))
}

/** The run that a terminal event of Carillon is about. */
export function runOfEvent(subject: string): string | undefined {
  const parsed = parseSubject(subject)
  return parsed?.class === EVENTS && parsed.rest[0] === 'run' ? parsed.rest[1] : undefined
}
