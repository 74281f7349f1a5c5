import { setTimeout as sleep } from 'node:timers/promises'

/** The part of a task's context that the demo uses. */
export interface DemoContext {
  readonly payload: unknown
  readonly attempt: number
  readonly signal: AbortSignal
  readonly log: Record<'debug' | 'info' | 'warn' | 'error', (message: string, fields?: Record<string, unknown>) => void>
  progress(percent: number, note?: string): unknown
}

const SUCCEEDS_AT_ATTEMPT = 3
const STEP_MS = 60
const [SLOW_MS, TICK_MS] = [10_000, 1_000]

/** `hello {name?}`: greets. */
export async function hello(ctx: DemoContext) {
  const { name = 'world' } = fieldsOf(ctx.payload)
  ctx.log.info('someone is to be greeted', { name })
  await ctx.progress(50, 'thinking of words')
  const greeting = `Hello, ${typeof name === 'string' ? name : JSON.stringify(name)}!`
  ctx.log.info('found the words', { letters: greeting.length })
  await ctx.progress(100)
  return { greeting }
}

/** `report {day?}`: writes a small pretend report in a third of a second. */
export async function report(ctx: DemoContext) {
  const { day = new Date().toISOString().slice(0, 10) } = fieldsOf(ctx.payload)
  const regions = ['north', 'south', 'east', 'west']
  ctx.log.info('the report begins', { day })
  const sales: Record<string, number> = {}
  for (const [index, region] of regions.entries()) {
    await sleep(STEP_MS, undefined, { signal: ctx.signal })
    sales[region] = pretendSales(`${JSON.stringify(day)} ${region}`)
    ctx.log.info('counted the sales of a region', { region, sales: sales[region] })
    await ctx.progress(((index + 1) / (regions.length + 1)) * 100, region)
  }
  await sleep(STEP_MS, undefined, { signal: ctx.signal })
  const total = Object.values(sales).reduce((sum, one) => sum + one, 0)
  ctx.log.info('the report is ready', { total })
  return { day, total, sales }
}

/** `flaky`: fails on its first two attempts. */
export async function flaky(ctx: DemoContext) {
  if (ctx.attempt < SUCCEEDS_AT_ATTEMPT) {
    ctx.log.warn('this attempt is going to fail', { attempt: ctx.attempt })
    throw new Error(`attempt ${ctx.attempt} failed, as this handler does ${SUCCEEDS_AT_ATTEMPT - 1} times`)
  }
  ctx.log.info('this time it works', { attempt: ctx.attempt })
  return { succeededAtAttempt: ctx.attempt }
}

/** `slow {ms?}`: takes its time, 10 s by default, and stops when it is cancelled. */
export async function slow(ctx: DemoContext) {
  const { ms = SLOW_MS } = fieldsOf(ctx.payload)
  if (typeof ms !== 'number' || !(ms >= 0)) throw new TypeError(`ms is a number of milliseconds, not ${JSON.stringify(ms)}`)
  ctx.log.info('taking my time', { ms })
  for (let slept = 0; slept < ms; slept += TICK_MS) {
    await sleep(Math.min(TICK_MS, ms - slept), undefined, { signal: ctx.signal })
    await ctx.progress((Math.min(ms, slept + TICK_MS) / ms) * 100)
  }
  ctx.log.info('done')
  return { sleptMs: ms }
}

function fieldsOf(payload: unknown): Record<string, unknown> {
  return typeof payload === 'object' && payload !== null ? { ...payload } : {}
}

/** The same number for the same text, between 100 and 999. */
function pretendSales(seed: string): number {
  let mixed = 7
  for (const letter of seed) mixed = (mixed * 31 + letter.charCodeAt(0)) % 1_000_003
  return 100 + (mixed % 900)
}
