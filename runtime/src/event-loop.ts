import { monitorEventLoopDelay } from 'node:perf_hooks'
import { meter } from './metrics.ts'
import type { Running } from './process.ts'

const NANOS = 1e9
const RESOLUTION_MS = 10

/** Measures by how much this process is late with what it has to do, between two readings. */
export function measureEventLoop(): Running {
  const delays = monitorEventLoopDelay({ resolution: RESOLUTION_MS })
  delays.enable()
  meter.gauge('carillon.event_loop.delay.seconds', 'How late the event loop of the process was since it was read last', (observe) => {
    if (delays.count > 0) {
      // What is measured is from one timer to the next.
      const late = (nanos: number) => Math.max(0, nanos / NANOS - RESOLUTION_MS / 1_000)
      observe(late(delays.percentile(50)), { stat: 'p50' })
      observe(late(delays.percentile(99)), { stat: 'p99' })
      observe(late(delays.max), { stat: 'max' })
    }
    delays.reset()
  })
  const stop = async () => {
    delays.disable()
  }
  return { stop }
}
