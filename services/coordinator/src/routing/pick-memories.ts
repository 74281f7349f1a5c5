import type { RunHead, Store } from '@carillon/store'
import { LRUCache } from 'lru-cache'
import { PickMemory } from './rules/pick-memory.ts'

/** Jobs whose picks are in memory. */
const MOST = 5_000
/** The last runs or tasks that a memory is rebuilt from. */
const REBUILT_FROM = 200

type Place = Pick<RunHead, 'namespace' | 'job' | 'handler'>

/**
 * The memory of routes that depend on earlier picks. It is rebuilt from the last runs of a job, or of a handler called directly: a coordinator that takes over
 * goes on where the one before stopped.
 */
export class PickMemories {
  readonly #store: Store
  readonly #memories = new LRUCache<string, Promise<PickMemory>>({ max: MOST })

  constructor(store: Store) {
    this.#store = store
  }

  of(place: Place): Promise<PickMemory> {
    const { namespace, job, handler } = place
    const key = JSON.stringify([namespace, job, job === null ? handler : null])
    const known = this.#memories.get(key)
    if (known) return known
    const rebuilt = this.#rebuild(place)
    this.#memories.set(key, rebuilt)
    rebuilt.catch(() => this.#memories.delete(key))
    return rebuilt
  }

  async #rebuild({ namespace, job, handler }: Place): Promise<PickMemory> {
    const of = job === null ? { handlers: [handler] } : { job }
    const { items } = await this.#store.runs.list({ namespace, ...of, limit: REBUILT_FROM })
    const fanOut = items.find(({ mode, routing }) => mode !== 'single' && routing !== null)
    const tasks = fanOut ? (await this.#store.tasks.list({ runId: fanOut.id, limit: REBUILT_FROM })).items : []
    const ofTasks = tasks.map(({ target, startedAt }) => ({ instance: target, at: startedAt ?? Number.MAX_SAFE_INTEGER }))
    const ofRuns = items.filter(({ mode }) => mode === 'single').map(({ target, createdAt }) => ({ instance: target, at: createdAt }))
    const picked = [...ofRuns.reverse(), ...ofTasks].filter(({ instance }) => instance !== null).sort((a, b) => a.at - b.at)
    return new PickMemory(picked.map(({ instance }) => instance as string))
  }
}
