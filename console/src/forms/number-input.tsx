import type { LosslessNumber } from 'lossless-json'
import { type ReactNode, useState } from 'react'
import { TextInput } from '../parts/field.tsx'
import { isSameJson, typedNumber } from './exact-json.ts'

export interface NumberInputProps {
  /** A text: what is typed, and is no number yet. */
  readonly value: number | LosslessNumber | string | undefined
  readonly onChange: (value: number | LosslessNumber | string | undefined) => void
}

/** A number of any length. What is typed stays as it is: `1.0` does not become `1` before the `5` is there. */
export function NumberInput({ value, onChange }: NumberInputProps): ReactNode {
  const [typed, setTyped] = useState(() => (value === undefined ? '' : String(value)))
  const meant = typedValue(typed)
  const text = isSameJson(meant, value) ? typed : value === undefined ? '' : String(value)
  return (
    <TextInput
      inputMode="decimal"
      value={text}
      onChange={(event) => {
        setTyped(event.currentTarget.value)
        onChange(typedValue(event.currentTarget.value))
      }}
    />
  )
}

const typedValue = (text: string) => (text.trim() === '' ? undefined : (typedNumber(text) ?? text))
