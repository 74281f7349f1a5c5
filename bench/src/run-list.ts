import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { openStore } from '@carillon/store'
import { aRun } from '@carillon/store/testing'
import type { Page } from 'playwright-core'
import { openPage, startBrowser } from './browser.ts'
import { startGateway } from './gateway-process.ts'
import { startMesh } from './mesh-process.ts'
import { percentile } from './percentile.ts'

const AT_ONCE = 5_000
/** Less than a day: older ones would be removed. */
const SPAN_MS = 20 * 3_600_000
const WHEEL_STEPS = 200
const [STEP_PX, STEP_MS] = [600, 16]
const FIRST_ROW = '[data-row]'

const pause = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms))

/** The list of so many runs in a browser: by wheel, by keyboard, by a jump to a time, and with a filter. */
export async function measureRunList(count: number): Promise<Record<string, object>> {
  const folder = mkdtempSync(join(tmpdir(), 'carillon-bench-'))
  const storeUrl = `sqlite:${join(folder, 'runs.db')}`
  const begunAt = Date.now() - SPAN_MS
  await fill(storeUrl, count, begunAt)
  const mesh = await startMesh({ storeUrl })
  const gateway = await startGateway(mesh.url)
  const browser = await startBrowser()
  try {
    const rows: Record<string, object> = {}
    const page = await openPage(browser, gateway, 'runs')
    await page.locator(FIRST_ROW).first().waitFor()
    await watch(page)
    await checkFirst(page, `n-${count - 1}`)
    for (const [name, step] of Object.entries(stepsOf(page, { count, begunAt }))) rows[name] = await measured(page, step)
    return rows
  } finally {
    await browser.close()
    await gateway.stop()
    await mesh.stop()
    rmSync(folder, { recursive: true, force: true })
  }
}

/** Straight into the store: a mesh would take minutes. */
async function fill(storeUrl: string, count: number, begunAt: number): Promise<void> {
  const store = await openStore(storeUrl)
  for (let from = 0; from < count; from += AT_ONCE) {
    const runs = Array.from({ length: Math.min(AT_ONCE, count - from) }, (_, i) => {
      const n = from + i
      const createdAt = begunAt + Math.floor((n / count) * SPAN_MS)
      const end =
        n % 50 === 0 ? ({ state: 'failed', reason: 'handler-error' } as const) : ({ state: 'succeeded', reason: 'completed' } as const)
      const times = { createdAt, queuedAt: null, startedAt: createdAt, endedAt: createdAt + 100 }
      return aRun(n, { namespace: 'bench', handler: 'noop', job: `job-${n % 10}`, key: `n-${n}`, ...end, ...times })
    })
    await store.runs.insert(runs)
  }
  await store.close()
}

type Step = () => Promise<void>

function stepsOf(page: Page, { count, begunAt }: { count: number; begunAt: number }): Record<string, Step> {
  const wheel = (px: number) => async () => {
    await page.mouse.move(640, 600)
    for (let i = 0; i < WHEEL_STEPS; i++) {
      await page.mouse.wheel(0, px)
      await pause(STEP_MS)
    }
  }
  const visit = async (search: string, key: string) => {
    await page.evaluate((to) => {
      history.pushState({}, '', to)
      dispatchEvent(new PopStateEvent('popstate'))
    }, `runs${search}`)
    await checkFirst(page, key)
  }
  const middle = new Date(begunAt + SPAN_MS / 2).toISOString()
  return {
    'wheel down': wheel(STEP_PX),
    'wheel up': wheel(-STEP_PX),
    'End, 50 times': async () => {
      await page.locator(FIRST_ROW).first().locator('xpath=ancestor::figure').focus()
      for (let i = 0; i < 50; i++) {
        await page.keyboard.press('End')
        await pause(100)
      }
    },
    Home: async () => {
      await page.keyboard.press('Home')
      await checkFirst(page, `n-${count - 1}`)
    },
    'jump to the middle': () => visit(`?until=${encodeURIComponent(middle)}`, `n-${count / 2 - 1}`),
    'wheel from the middle': wheel(STEP_PX),
    'filter while scrolled': () => visit('?state=failed', `n-${count - 50}`),
    'oldest first': () => visit('?order=oldest', 'n-0'),
  }
}

/** Fails unless the first row is that run. */
const checkFirst = (page: Page, key: string): Promise<void> => page.locator('[aria-rowindex="2"]').getByText(key, { exact: true }).waitFor()

interface Watched {
  readonly frames: number[]
  readonly longTasks: number[]
}

async function watch(page: Page): Promise<void> {
  await page.evaluate(() => {
    const watched: Watched = { frames: [], longTasks: [] }
    let last = performance.now()
    const frame = (time: number) => {
      watched.frames.push(time - last)
      last = time
      requestAnimationFrame(frame)
    }
    requestAnimationFrame(frame)
    new PerformanceObserver((list) => watched.longTasks.push(...list.getEntries().map(({ duration }) => duration))).observe({
      type: 'longtask',
    })
    Object.assign(window, { watched })
  })
}

async function measured(page: Page, step: Step): Promise<object> {
  const take = () =>
    page.evaluate(() => {
      const { watched } = window as unknown as { watched: Watched }
      const { memory } = performance as unknown as { memory: { usedJSHeapSize: number } }
      return {
        ...{ frames: watched.frames.splice(0), longTasks: watched.longTasks.splice(0) },
        heapMiB: Math.round(memory.usedJSHeapSize / 2 ** 20),
        elements: document.querySelectorAll('[data-row], [data-loading]').length,
      }
    })
  await take()
  const begun = performance.now()
  await step()
  const tookMs = Math.round(performance.now() - begun)
  const { frames, longTasks, heapMiB, elements } = await take()
  return {
    tookMs,
    frames: frames.length,
    ...{ p50Ms: percentile(frames, 0.5), p99Ms: percentile(frames, 0.99), longestMs: percentile(frames, 1) },
    ...{ longTasks: longTasks.length, rows: elements, heapMiB },
  }
}
