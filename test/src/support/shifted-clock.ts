/**
 * Loaded into a process before anything else (`node --import`): its wall clock is off by as many milliseconds as the file `CLOCK_FILE`
 * holds, read at intervals. The monotonic clock is not changed, as when the clock of a machine is set.
 */
import { readFileSync } from 'node:fs'

const { CLOCK_FILE: file } = process.env
const READ_EVERY_MS = 20

if (file !== undefined) {
  const TrueDate = Date
  const trueNow = Date.now
  let [shiftMs, readAt] = [0, Number.NEGATIVE_INFINITY]
  const now = () => {
    if (performance.now() - readAt >= READ_EVERY_MS) {
      readAt = performance.now()
      shiftMs = Number(readFileSync(file, 'utf8')) || 0
    }
    return trueNow() + shiftMs
  }
  globalThis.Date = new Proxy(TrueDate, {
    construct: (target, args: unknown[]) => Reflect.construct(target, args.length === 0 ? [now()] : args),
    get: (target, key) => (key === 'now' ? now : Reflect.get(target, key)),
  })
}
