import type { Role } from '@carillon/contracts'
import type { ButtonHTMLAttributes, ReactNode } from 'react'
import { useMessages } from '../language/language-context.tsx'
import { useMay } from '../session/session.ts'
import styles from './button.module.css'

export interface ButtonProps extends ButtonHTMLAttributes<HTMLButtonElement> {
  /** `main`: the one that a page is for; `danger`: it destroys; `quiet`: without an edge. */
  readonly look?: 'plain' | 'main' | 'danger' | 'quiet'
  readonly size?: 'normal' | 'small'
}

export function Button({ look = 'plain', size = 'normal', className = '', type = 'button', ...rest }: ButtonProps): ReactNode {
  return <button type={type} className={`${styles['button']} ${styles[look]} ${styles[size]} ${className}`} {...rest} />
}

/** A button for an action that needs a role. Who has not got it sees it, grey, with the role's name. */
export function RoleButton({ role, disabled, title, ...rest }: ButtonProps & { readonly role: Role }): ReactNode {
  const may = useMay(role)
  const { session } = useMessages()
  const hint = may ? title : session.needsRole(session.roles[role])
  return <Button {...rest} disabled={disabled === true || !may} {...(hint === undefined ? {} : { title: hint })} />
}
