import { ROLES, type Role } from '@carillon/contracts'
import type { ReactNode } from 'react'
import { useMessages } from '../../language/language-context.tsx'
import { Field, Select } from '../../parts/field.tsx'
import layout from '../layout.module.css'

/** What someone may do in the namespace. */
export interface Rights {
  readonly role: Role
  /** Whether payloads, results, errors and log lines are shown. */
  readonly payloads: boolean
}

export function RightsFields({ rights, onChange }: { readonly rights: Rights; readonly onChange: (rights: Rights) => void }): ReactNode {
  const { settings: texts, session } = useMessages()
  return (
    <>
      <Field label={texts.role} hint={texts.roleHints[rights.role]}>
        <Select
          value={rights.role}
          options={ROLES.map((value) => ({ value, label: session.roles[value] }))}
          onChange={(event) => onChange({ ...rights, role: event.currentTarget.value as Role })}
        />
      </Field>
      <label className={layout['tick']}>
        <input
          type="checkbox"
          className={layout['check']}
          checked={rights.payloads}
          onChange={(event) => onChange({ ...rights, payloads: event.currentTarget.checked })}
        />
        {texts.seesPayloads}
      </label>
    </>
  )
}
