import { phraseText, summaryOf } from '../rules/phrases.ts'
import type { Message, Notice } from './channel.ts'

interface Words {
  readonly heads: Readonly<Record<Notice['transition'], string>>
  readonly more: (count: number) => string
  readonly rule: string
  readonly since: string
  readonly digest: (count: number) => string
  /** What a test message says. */
  readonly tested: string
}

const WORDS: Readonly<Record<Message['language'], Words>> = {
  en: {
    heads: { opened: 'Alert', reminder: 'Still open', recovered: 'Recovered', test: 'Test' },
    more: (count) => `+${count} more`,
    rule: 'rule',
    since: 'since',
    digest: (count) => `${count} alerts`,
    tested: 'a test message: this channel works',
  },
  'zh-CN': {
    heads: { opened: '告警', reminder: '仍未恢复', recovered: '已恢复', test: '测试' },
    more: (count) => `另有 ${count} 条`,
    rule: '规则',
    since: '开始于',
    digest: (count) => `${count} 条告警`,
    tested: '这是一条测试消息，渠道可用',
  },
}

/** Texts of others stay one line of text: no markup, no line ends, nothing that mentions people. */
const plain = (text: string) => text.replaceAll(/[\p{Cc}\u2028\u2029]+/gu, ' ').trim()

/** The first line. */
export function titleOf({ notices, language }: Message): string {
  const { digest } = WORDS[language]
  const [first] = notices
  return first && notices.length === 1 ? headOf(first, language) : digest(notices.length)
}

function headOf({ namespace, transition, incident }: Notice, language: Message['language']): string {
  const { heads, tested } = WORDS[language]
  const summary = transition === 'test' ? tested : summaryOf(incident, language)
  return plain(`[${heads[transition]}] ${namespace}: ${summary}`)
}

/** What follows it, line by line. */
export function linesOf({ notices, language }: Message): string[] {
  const [first] = notices
  if (first && notices.length === 1) return detailsOf(first, language)
  return notices.map((notice) => headOf(notice, language))
}

function detailsOf({ incident }: Notice, language: Message['language']): string[] {
  const { rule, since, more } = WORDS[language]
  const examples = incident.examples.map(({ at, what, phrase, runId = '', instance = '', node = '', error = '' }) =>
    plain(['-', at, runId || instance, node, phrase ? phraseText(phrase, language) : what, error].filter((part) => part !== '').join(' ')),
  )
  const { recoveryPhrase } = incident
  const recovery = recoveryPhrase ? phraseText(recoveryPhrase, language) : incident.recovery
  return [
    `${rule} ${incident.rule}, ${since} ${incident.openedAt}`,
    ...(recovery === undefined ? [] : [plain(recovery)]),
    ...examples,
    ...(incident.more > 0 ? [more(incident.more)] : []),
  ]
}

/** As much of a text as fits into so many bytes of UTF-8, cut between two letters, with an ellipsis. */
export function cutToBytes(text: string, maxBytes: number): string {
  if (Buffer.byteLength(text) <= maxBytes) return text
  const room = maxBytes - 3
  let bytes = 0
  let kept = ''
  for (const { segment } of SEGMENTS.segment(text)) {
    bytes += Buffer.byteLength(segment)
    if (bytes > room) break
    kept += segment
  }
  return `${kept}…`
}

const SEGMENTS = new Intl.Segmenter('und', { granularity: 'grapheme' })
