import type { AlertScene, IncidentPhrase, IncidentView, MessageLanguage } from '@carillon/contracts'

type Values = IncidentPhrase['values']
type Phrase = (values: Values) => string

const seconds = (ms: unknown) => `${Math.round(Number(ms) / 1_000)} s`
const keyOf = (key: unknown, [before, after]: readonly [string, string]) => (key === undefined ? '' : `${before}${key}${after}`)
const ENDED_ZH: Readonly<Record<string, string>> = { failed: '失败', timed_out: '超时', expired: '过期' }

/** What incidents say about what happened and why it is over, in each language. Whatever is stored is the code and its values. */
const PHRASES = {
  ended: {
    en: ({ state, reason }) => `${String(state).replace('_', ' ')}: ${reason}`,
    'zh-CN': ({ state, reason }) => `${ENDED_ZH[String(state)] ?? state}：${reason}`,
  },
  lost: { en: () => 'lost', 'zh-CN': () => '失联' },
  hung: { en: () => 'hung', 'zh-CN': () => '挂起' },
  'started-late': { en: ({ ms }) => `started ${seconds(ms)} late`, 'zh-CN': ({ ms }) => `开始晚了 ${seconds(ms)}` },
  'waits-late': {
    en: ({ ms }) => `waits since its slot, ${seconds(ms)} ago`,
    'zh-CN': ({ ms }) => `计划时间已过 ${seconds(ms)}，仍在等待`,
  },
  'not-fired': { en: ({ slot }) => `the slot of ${slot} was not fired`, 'zh-CN': ({ slot }) => `计划时间 ${slot} 未触发` },
  skipped: { en: ({ slot }) => `the slot of ${slot} was missed and skipped`, 'zh-CN': ({ slot }) => `计划时间 ${slot} 已错过并跳过` },
  'no-instance': {
    en: ({ waiting, instances }) => `${waiting} waiting, ${instances} instances`,
    'zh-CN': ({ waiting, instances }) => `${waiting} 个等待，${instances} 个实例`,
  },
  'queue-too-old': {
    en: ({ waiting, ms }) => `${waiting} waiting, the oldest for ${seconds(ms)}`,
    'zh-CN': ({ waiting, ms }) => `${waiting} 个等待，最久 ${seconds(ms)}`,
  },
  'gate-full': {
    en: ({ waiting, ms, key }) => `${waiting} wait${keyOf(key, [' with key ', ''])}, the oldest for ${seconds(ms)}`,
    'zh-CN': ({ waiting, ms, key }) => `${waiting} 个等待${keyOf(key, ['（键 ', '）'])}，最久 ${seconds(ms)}`,
  },
  'no-program': {
    en: ({ open, program }) => `${open} open runs are bound to ${program}`,
    'zh-CN': ({ open, program }) => `${open} 个未结束的运行绑定到 ${program}`,
  },
  'approval-waits': { en: () => 'waits for an approval', 'zh-CN': () => '等待审批' },
  over: { en: () => 'it is over', 'zh-CN': () => '已不再出现' },
  'nothing-for': { en: ({ ms }) => `nothing of it has happened for ${seconds(ms)}`, 'zh-CN': ({ ms }) => `${seconds(ms)} 内未再发生` },
  succeeded: { en: ({ run }) => `run ${run} has succeeded`, 'zh-CN': ({ run }) => `运行 ${run} 已成功` },
  'succeeded-in-row': { en: ({ count }) => `${count} runs in a row have succeeded`, 'zh-CN': ({ count }) => `连续 ${count} 次运行成功` },
  'job-removed': { en: () => 'its job was removed', 'zh-CN': () => '任务已删除' },
  'rule-removed': { en: () => 'its rule was removed', 'zh-CN': () => '规则已删除' },
  'rule-disabled': { en: () => 'its rule was disabled', 'zh-CN': () => '规则已停用' },
  'rule-changed': { en: () => 'its rule is about another scene now', 'zh-CN': () => '规则已改为其他条件' },
} as const satisfies Record<string, Record<MessageLanguage, Phrase>>

export type PhraseCode = keyof typeof PHRASES

export const phrase = (code: PhraseCode, values: Readonly<Record<string, string | number>> = {}): IncidentPhrase => ({
  code,
  values: Object.fromEntries(Object.entries(values).map(([name, value]) => [name, String(value)])),
})

/** A phrase of a newer version is shown by its code. */
export function phraseText({ code, values }: IncidentPhrase, language: MessageLanguage): string {
  const known: Readonly<Record<string, Record<MessageLanguage, Phrase>>> = PHRASES
  return Object.hasOwn(PHRASES, code) ? (known[code]?.[language](values) ?? code) : code
}

const SCENES: Readonly<Record<AlertScene, Record<MessageLanguage, (count: number) => string>>> = {
  'run-failed': { en: (count) => `failed ${times(count)}`, 'zh-CN': (count) => `失败 ${count} 次` },
  'run-timed-out': { en: (count) => `took longer than its time limit ${times(count)}`, 'zh-CN': (count) => `超时 ${count} 次` },
  'run-expired': { en: (count) => `had not started by its deadline ${times(count)}`, 'zh-CN': (count) => `截止时间前未开始 ${count} 次` },
  'failures-in-row': { en: (count) => `failed ${times(count)} in a row`, 'zh-CN': (count) => `连续失败 ${count} 次` },
  'dead-letter': { en: (count) => `was given up ${times(count)}`, 'zh-CN': (count) => `重试被放弃 ${count} 次` },
  'instance-lost': { en: (count) => `lost an instance ${times(count)}`, 'zh-CN': (count) => `实例失联 ${count} 次` },
  'instance-hung': { en: (count) => `has hung instances, ${times(count)}`, 'zh-CN': (count) => `实例挂起 ${count} 次` },
  late: { en: () => 'starts late', 'zh-CN': () => '开始过晚' },
  missing: { en: () => 'did not run when it should have', 'zh-CN': () => '未按时运行' },
  'no-instance': { en: () => 'has waiting tasks and no instance', 'zh-CN': () => '有等待的任务但没有实例' },
  'queue-too-old': { en: () => 'has tasks that wait too long', 'zh-CN': () => '任务等待过久' },
  'gate-full': { en: () => 'has runs that wait at its gate too long', 'zh-CN': () => '运行在限流处等待过久' },
  'approval-waits': { en: () => 'waits for an approval', 'zh-CN': () => '等待审批' },
  'no-program': {
    en: () => 'has runs in durable steps that no live program goes on with',
    'zh-CN': () => '有持久步骤运行，但没有在线程序可以继续',
  },
}

type Subject = Pick<IncidentView, 'scene' | 'cause' | 'count' | 'rule'>

const CAUSES: Readonly<Record<MessageLanguage, Readonly<Record<IncidentView['cause']['kind'], string>>>> = {
  en: { job: 'job', handler: 'handler', service: 'service', all: 'what rule' },
  'zh-CN': { job: '任务', handler: '处理器', service: '服务', all: '规则' },
}

/** An incident in one sentence. */
export function summaryOf({ scene, cause, count, rule }: Subject, language: MessageLanguage): string {
  const kind = CAUSES[language][cause.kind]
  const about = { en: ' is about', 'zh-CN': ' 的对象' }[language]
  const subject = cause.kind === 'all' ? `${kind} ${rule}${about}` : `${kind} ${cause.name}`
  return `${subject} ${SCENES[scene][language](count)}`
}

const times = (count: number) => (count === 1 ? 'once' : `${count} times`)
