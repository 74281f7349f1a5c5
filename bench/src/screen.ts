import type { Client } from '@carillon/sdk'
import { connect, type NatsConnection } from '@nats-io/transport-node'
import type { Page } from 'playwright-core'
import { openPage, startBrowser } from './browser.ts'
import { startGateway } from './gateway-process.ts'
import { percentile } from './percentile.ts'

const [SECONDS, PER_SECOND] = [20, 20]
/** Messages of a fast log: 5,000 lines a second. */
const [LINES_A_MESSAGE, MESSAGES_PER_SECOND] = [50, 100]
/** What else happens in a row that is called loaded. */
const EVENTS_PER_SECOND = 500
const TICK_MS = 10

const now = () => performance.timeOrigin + performance.now()
const pause = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms))

/** What a page shows, as a number that grows. */
const SHOWN = {
  /** The note of the progress of a run. */
  progress: 'progress + span',
  /** How many runs are new to the list. */
  fresh: 'button',
  /** The lines of a log. */
  lines: '[role="log"]',
} as const

interface ScreenParts {
  readonly url: string
  readonly client: Client
}

/** From an event to the screen of a real browser: the page notes when a frame with it has been drawn. */
export async function measureScreen({ url, client }: ScreenParts): Promise<Record<string, object>> {
  const connection = await connect({ servers: url })
  const gateway = await startGateway(url)
  const browser = await startBrowser()
  const rows: Record<string, object> = {}
  try {
    for (const isLoaded of [false, true]) {
      const run = await client.run('endless')
      const page = await openPage(browser, gateway, `runs/${run.id}`)
      await page.getByRole('log').waitFor({ state: 'attached' })
      Object.assign(rows, await measureRun(page, { isLoaded, publish: publisherOf(connection, run.id) }))
      await page.context().close()
      const list = await openPage(browser, gateway, 'runs')
      await list.locator('[data-row]').first().waitFor()
      const start = { send: () => void client.run('noop').catch(() => undefined), perSecond: PER_SECOND }
      const events = { send: publisherOf(connection, run.id).event, perSecond: EVENTS_PER_SECOND }
      rows[isLoaded ? 'start of a run, beside 500 events/s' : 'start of a run'] = await measure(
        list,
        'fresh',
        isLoaded ? [start, events] : [start],
      )
      await list.context().close()
      await client.runs.cancel(run.id)
    }
    return rows
  } finally {
    await browser.close()
    await gateway.stop()
    await connection.close()
  }
}

/** Its progress, and its log. */
async function measureRun(page: Page, { isLoaded, publish }: { isLoaded: boolean; publish: Publisher }): Promise<Record<string, object>> {
  const progress = { send: publish.progress, perSecond: PER_SECOND }
  const lines = { send: publish.background, perSecond: MESSAGES_PER_SECOND }
  const log = { send: publish.line, perSecond: isLoaded ? MESSAGES_PER_SECOND : PER_SECOND }
  return {
    [isLoaded ? 'progress, beside 5,000 lines/s' : 'progress']: await measure(page, 'progress', isLoaded ? [progress, lines] : [progress]),
    [isLoaded ? 'log, 5,000 lines/s' : 'log, 1,000 lines/s']: await measure(page, 'lines', [log]),
  }
}

interface Publisher {
  progress(number: number): void
  line(number: number): void
  /** Lines that nothing is measured of. */
  background(): void
  event(number: number): void
}

/** Signals as services and executors publish them. */
function publisherOf(connection: NatsConnection, runId: string): Publisher {
  const live = (id: string, note: string) => {
    const body = { runId: id, handler: 'endless', state: 'running', attempt: 1, progress: { percent: 1, note } }
    connection.publish(`carillon.bench.live.run.${id}.progress`, JSON.stringify(body))
  }
  let seq = 0
  const log = (message: string) => {
    const lines = Array.from({ length: LINES_A_MESSAGE }, () => ({
      ...{ seq: ++seq, at: new Date().toISOString(), level: 'info', message, fields: { order: seq } },
    }))
    connection.publish(`carillon.bench.log.${runId}`, JSON.stringify({ runId, taskId: runId, attempt: 1, instance: 'i1', lines }))
  }
  return {
    progress: (number) => live(runId, `number ${number}`),
    event: (number) => live(`other-${number}`, 'other'),
    line: (number) => log(`number ${number}`),
    background: () => log('beside'),
  }
}

interface Load {
  readonly send: (number: number) => void
  readonly perSecond: number
}

/** @param loads that which is measured, then what else happens */
async function measure(page: Page, what: keyof typeof SHOWN, [load, beside]: readonly [Load, Load?]): Promise<object> {
  await watch(page, SHOWN[what])
  const sentAt: number[] = []
  let others = 0
  const begun = now()
  for (let passedMs = 0; passedMs < SECONDS * 1_000; passedMs = now() - begun) {
    const due = ({ perSecond }: Load) => (passedMs / 1_000) * perSecond
    while (beside !== undefined && others < due(beside)) beside.send(others++)
    while (sentAt.length < due(load)) {
      sentAt.push(now())
      load.send(sentAt.length)
    }
    await pause(TICK_MS)
  }
  await pause(1_000)
  return figuresOf(sentAt, await seen(page))
}

/** Notes in the page which number it shows, each time that a frame was drawn after a change. */
async function watch(page: Page, selector: string): Promise<void> {
  await page.evaluate((at) => {
    const seen: { number: number; at: number }[] = []
    const frames = { last: performance.now(), all: [] as number[] }
    let isDue = false
    const read = () => {
      isDue = false
      for (const { textContent } of document.querySelectorAll(at)) {
        const numbers = [...(textContent ?? '').matchAll(/number (\d+)|^([\d,]+) new runs?$/g)]
        const number = Math.max(...numbers.map(([, note, count = '']) => Number(note ?? count.replaceAll(',', ''))))
        if (number > (seen.at(-1)?.number ?? 0) && Number.isFinite(number))
          seen.push({ number, at: performance.timeOrigin + performance.now() })
      }
    }
    // The task behind the callbacks of a frame: the frame has been drawn.
    const drawn = () => requestAnimationFrame(() => setTimeout(read))
    const observer = new MutationObserver(() => {
      if (!isDue) drawn()
      isDue = true
    })
    observer.observe(document.body, { subtree: true, childList: true, characterData: true, attributes: true })
    const frame = (time: number) => {
      frames.all.push(time - frames.last)
      frames.last = time
      requestAnimationFrame(frame)
    }
    requestAnimationFrame(frame)
    Object.assign(window, { watched: { seen, frames: frames.all } })
  }, selector)
}

interface Seen {
  readonly seen: { readonly number: number; readonly at: number }[]
  readonly frames: number[]
}

const seen = (page: Page) => page.evaluate(() => (window as unknown as { watched: Seen }).watched)

/** An event is on the screen as soon as it, or a later one, is. */
function figuresOf(sentAt: readonly number[], { seen, frames }: Seen): object {
  const tookMs = sentAt.flatMap((at, i) => {
    const shown = seen.find(({ number }) => number > i)
    return shown === undefined ? [] : [shown.at - at]
  })
  return {
    events: tookMs.length,
    missed: sentAt.length - tookMs.length,
    p50Ms: percentile(tookMs, 0.5),
    p99Ms: percentile(tookMs, 0.99),
    worstMs: percentile(tookMs, 1),
    frameP99Ms: percentile(frames, 0.99),
    longestFrameMs: percentile(frames, 1),
  }
}
