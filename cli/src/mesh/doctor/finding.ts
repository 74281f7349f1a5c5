import { CarillonError } from '@carillon/contracts'
import { asTyped } from '../../own-command.ts'

/** The result of one check. */
export interface Finding {
  readonly part: string
  readonly ok: boolean
  /** The state, as text. */
  readonly message: string
  /** What a person can do about it. */
  readonly remedy?: string
}

export const well = (part: string, message: string): Finding => ({ part, ok: true, message })
export const wrong = (part: string, message: string, remedy?: string): Finding => ({
  part,
  ok: false,
  message,
  ...(remedy ? { remedy } : {}),
})

/** A check that failed is a finding itself. */
export function failed(part: string, error: unknown, remedy?: string): Finding {
  const { message, details } = CarillonError.from(error)
  return wrong(part, message, remedy ?? (details.hint && asTyped(details.hint)))
}

/** `1 message`, `2 messages`. */
export const counted = (count: number, noun: string): string => `${count.toLocaleString('en')} ${noun}${count === 1 ? '' : 's'}`
