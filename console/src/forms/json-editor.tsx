import { type ReactNode, useState } from 'react'
import { Field, TextArea } from '../parts/field.tsx'
import { editedText, isSameJson, typedJson, UnfinishedJson } from './exact-json.ts'

export interface JsonEditorProps {
  readonly label: string
  readonly hint?: string | undefined
  readonly value: unknown
  /** A text that is no JSON yet is an `UnfinishedJson`. */
  readonly onChange: (value: unknown) => void
  readonly problem?: string
  readonly rows?: number
}

/** JSON as text, with what is wrong with it below. Numbers keep their digits. */
export function JsonEditor({ label, hint, value, onChange, problem, rows = 6 }: JsonEditorProps): ReactNode {
  const [typed, setTyped] = useState(() => editedText(value))
  const meant = typedJson(typed)
  const isOwn = value instanceof UnfinishedJson ? value.text === typed : !(meant instanceof UnfinishedJson) && isSameJson(meant, value)
  const wrong = problem ?? (value instanceof UnfinishedJson ? value.message : undefined)
  return (
    <Field label={label} hint={hint} {...(wrong === undefined ? {} : { problem: wrong })}>
      <TextArea
        rows={rows}
        value={isOwn ? typed : editedText(value)}
        onChange={(event) => {
          setTyped(event.currentTarget.value)
          onChange(typedJson(event.currentTarget.value))
        }}
      />
    </Field>
  )
}
