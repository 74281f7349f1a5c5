import type { FormEvent, ReactNode } from 'react'
import { Field, TextInput } from './field.tsx'

/** As the mesh takes a text that is searched for. */
const LONGEST = 200

export interface SubmitFieldProps {
  readonly label: string
  readonly placeholder?: string
  readonly value: string
  readonly onChange: (value: string) => void
  readonly className?: string | undefined
}

/** A text of a filter: it counts when the field is left, or with Enter, and not with each letter. */
export function SubmitField({ label, placeholder = label, value, onChange, className }: SubmitFieldProps): ReactNode {
  const submit = (event: FormEvent<HTMLFormElement>) => {
    event.preventDefault()
    onChange(String(new FormData(event.currentTarget).get('value')).trim())
  }
  return (
    <form onSubmit={submit} className={className}>
      <Field label={label} isLabelHidden>
        <TextInput
          key={value}
          name="value"
          type="search"
          maxLength={LONGEST}
          placeholder={placeholder}
          defaultValue={value}
          onBlur={(event) => event.currentTarget.value.trim() !== value && onChange(event.currentTarget.value.trim())}
        />
      </Field>
    </form>
  )
}
