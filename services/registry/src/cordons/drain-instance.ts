import { CarillonError, type Drained } from '@carillon/contracts'
import type { RegistryParts } from '../parts.ts'
import { instanceName, presenceKey } from '../presence/rules/presence.ts'
import { instanceView } from '../presence/rules/seen.ts'
import type { CordonInstance } from './cordon-instance.ts'

type Parts = Pick<RegistryParts, 'bucket' | 'cordons' | 'time'> & { readonly cordonInstance: CordonInstance }

/** Cordons an instance that is not cordoned, and answers whether it is empty. The caller that drains it repeats the call until it is. */
export class DrainInstance {
  readonly #parts: Parts

  constructor(parts: Parts) {
    this.#parts = parts
  }

  /** @throws CarillonError as `CordonInstance`; CONCURRENT_CHANGE when it was uncordoned while it was drained */
  async execute(
    namespace: string,
    { continues, ...input }: { instance: string; by?: string | undefined; note?: string | undefined; continues: boolean },
  ): Promise<Drained> {
    const { bucket, cordons, time, cordonInstance } = this.#parts
    const name = instanceName(namespace, input.instance)
    const key = presenceKey(name)
    const known = cordons.get(key) ?? (await bucket.readCordon(key))?.cordon
    if (!known && continues) {
      throw new CarillonError('CONCURRENT_CHANGE', `instance ${input.instance} was uncordoned while it was drained`, {
        field: 'instance',
        value: input.instance,
        hint: 'Drain it anew if it is still to be drained.',
        retry: false,
      })
    }
    const seen = known ? await cordonInstance.find(name) : await cordonInstance.execute(namespace, input)
    const { load } = seen
    const holdsNothing = load.running === 0 && (load.holds ?? []).length === 0
    return {
      instance: instanceView(seen, { elapsedMs: time.elapsedMs, cordon: known ?? cordons.get(key) }),
      isEmpty: load.cordoned === true && holdsNothing,
    }
  }
}
