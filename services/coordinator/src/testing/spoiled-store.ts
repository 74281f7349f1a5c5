import { CarillonError, type ErrorCode } from '@carillon/contracts'

interface Spoil<Item> {
  readonly method: 'insert' | 'heads' | 'update' | 'advance'
  /** Whether an item of a call is at fault. */
  readonly isBad: (item: Item) => boolean
  /** INTERNAL (default) is permanent, STORE_UNAVAILABLE transient. */
  readonly code?: ErrorCode
}

/** From now on a call to a store fails as a whole, as a driver's would, where one of its items is at fault. Answers a function that removes the fault. */
export function spoil<Item>(store: object, { method, isBad, code = 'INTERNAL' }: Spoil<Item>): () => void {
  const whole = Reflect.get(store, method) as (items: readonly Item[]) => Promise<unknown>
  const spoiled = async (items: readonly Item[]) => {
    if (items.some(isBad)) throw new CarillonError(code, 'this cannot be stored')
    return whole.call(store, items)
  }
  Object.assign(store, { [method]: spoiled })
  return () => void Object.assign(store, { [method]: whole })
}
