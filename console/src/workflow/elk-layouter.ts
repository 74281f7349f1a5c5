import ElkWorker from 'elkjs/lib/elk-worker.min.js?worker'
import type { Clock } from '../time/clock.ts'
import type { ElkGraph, Layouter } from './layout.ts'

/** Some inputs never end. */
const TIME_LIMIT_MS = 5_000

/** What the worker of the library is sent and answers; its own wrapper would bring nothing else. */
interface ElkAnswer {
  readonly id: number
  readonly data?: ElkGraph
  readonly error?: unknown
}

/**
 * The layout of the library in a worker of its own for each graph: it cannot be interrupted otherwise, and on the page it would freeze it.
 * The first message makes the worker ready, the second one is the graph.
 */
export function elkLayouter(clock: Clock): Layouter {
  return (graph) =>
    new Promise((resolve) => {
      const worker = new ElkWorker()
      const end = (result: ElkGraph | undefined) => {
        cancel()
        worker.terminate()
        resolve(result)
      }
      const cancel = clock.after(TIME_LIMIT_MS, () => end(undefined))
      worker.onerror = () => end(undefined)
      worker.onmessage = ({ data }: MessageEvent<ElkAnswer>) => {
        if (data.error !== undefined) end(undefined)
        else if (data.id === 1) end(data.data)
      }
      worker.postMessage({ id: 0, cmd: 'register', algorithms: ['layered'] })
      worker.postMessage({ id: 1, cmd: 'layout', graph, layoutOptions: {}, options: {} })
    })
}
