import { CarillonError, printable } from '@carillon/contracts'

/** Which page of a list. */
export interface PageQuery {
  readonly cursor?: string | undefined
  /** Records at most. */
  readonly limit: number
  /** The page ends before the record that would exceed this size, about as JSON; it holds at least one. Default: any number. */
  readonly maxBytes?: number | undefined
}

export interface Slice<Item> {
  readonly items: Item[]
  /** Pass it on to get what follows; undefined at the end. */
  readonly cursor?: string
}

type CursorValue = string | number
type CursorShape = readonly ('string' | 'number')[]
type CursorValues<Shape extends CursorShape> = { [Index in keyof Shape]: Shape[Index] extends 'number' ? number : string }

/** Records that one page reads to find those that pass a filter without an index: more would block the event loop for too long. */
export const READ_PER_PAGE = 5_000

/** Cuts what was read with `limit + 1` to a page; the extra item only shows that there is more. */
export function pageOf<Item>(items: Item[], limit: number): { items: Item[]; isMore: boolean } {
  return { items: items.slice(0, limit), isMore: items.length > limit }
}

/** A page with the cursor of what follows it, if anything does. */
export function sliceOf<Item>({ items, isMore }: { items: Item[]; isMore: boolean }, position: (last: Item) => CursorValue[]): Slice<Item> {
  return isMore ? { items, cursor: encodeCursor(position(items.at(-1)!)) } : { items }
}

export function encodeCursor(position: CursorValue[]): string {
  return Buffer.from(JSON.stringify(position)).toString('base64url')
}

/**
 * The position a cursor stands for, or undefined without one.
 * @throws CarillonError INVALID_REQUEST when it is not a cursor of such a list
 */
export function decodeCursor<const Shape extends CursorShape>(cursor: string | undefined, shape: Shape): CursorValues<Shape> | undefined {
  if (cursor === undefined) return undefined
  const position = parse(Buffer.from(cursor, 'base64url').toString())
  const fits = Array.isArray(position) && position.length === shape.length && shape.every((type, i) => typeof position[i] === type)
  if (fits && encodeCursor(position) === cursor) return position as CursorValues<Shape>
  throw new CarillonError('INVALID_REQUEST', 'cursor is not one that this list gave out', {
    field: 'cursor',
    value: printable(cursor),
    hint: 'Pass the cursor of the previous page unchanged, or none.',
  })
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    // Text that is not JSON is no cursor either; the caller reports it.
    return undefined
  }
}
