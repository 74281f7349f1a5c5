/**
 * Loaded into the process of a service before anything else (`--import`): measures from inside, without a change of the service, how long its event
 * loop stands still. It answers any message with the figures since the last one.
 */
import { isMainThread } from 'node:worker_threads'
import type { LoopFigures } from './watched-process.ts'

const TICK_MS = 5

if (isMainThread && process.send) {
  let worst: LoopFigures = { stallMs: 0, stallCpuMs: 0 }
  const cpuMs = () => {
    const { user, system } = process.threadCpuUsage()
    return (user + system) / 1_000
  }
  let [at, cpu] = [performance.now(), cpuMs()]
  setInterval(() => {
    const [now, cpuNow] = [performance.now(), cpuMs()]
    const stallMs = now - at - TICK_MS
    worst = { stallMs: Math.max(worst.stallMs, Math.round(stallMs)), stallCpuMs: Math.max(worst.stallCpuMs, Math.round(cpuNow - cpu)) }
    ;[at, cpu] = [now, cpuNow]
  }, TICK_MS).unref()
  process.on('message', () => {
    process.send?.(worst)
    worst = { stallMs: 0, stallCpuMs: 0 }
  })
  // The measurement must not keep the service alive.
  process.channel?.unref()
}
