import { Field as BaseField } from '@base-ui/react/field'
import type { InputHTMLAttributes, ReactNode, SelectHTMLAttributes, TextareaHTMLAttributes } from 'react'
import styles from './field.module.css'

export interface FieldProps {
  readonly label: string
  readonly hint?: ReactNode
  /** What is wrong with the value. */
  readonly problem?: string
  /** The label is read out, and not shown. */
  readonly isLabelHidden?: boolean
  readonly children: ReactNode
}

/** A control with its label, hint and what is wrong with it, connected for screen readers. */
export function Field({ label, hint, problem, isLabelHidden = false, children }: FieldProps): ReactNode {
  return (
    <BaseField.Root className={styles['field']} invalid={problem !== undefined}>
      <BaseField.Label className={isLabelHidden ? 'visually-hidden' : styles['label']}>{label}</BaseField.Label>
      {children}
      {hint !== undefined && <BaseField.Description className={styles['hint']}>{hint}</BaseField.Description>}
      {problem !== undefined && (
        <BaseField.Error match={true} className={styles['problem']}>
          {problem}
        </BaseField.Error>
      )}
    </BaseField.Root>
  )
}

export function TextInput({ className = '', ...rest }: InputHTMLAttributes<HTMLInputElement>): ReactNode {
  return <BaseField.Control render={<input {...rest} />} className={`${styles['control']} ${className}`} />
}

export function TextArea({ className = '', ...rest }: TextareaHTMLAttributes<HTMLTextAreaElement>): ReactNode {
  return (
    <BaseField.Control
      render={<textarea spellCheck={false} {...rest} />}
      className={`${styles['control']} ${styles['area']} ${className}`}
    />
  )
}

export interface SelectProps extends SelectHTMLAttributes<HTMLSelectElement> {
  readonly options: readonly { readonly value: string; readonly label: string }[]
}

/** The system's own list: it works on a phone and with a keyboard by itself. */
export function Select({ options, className = '', ...rest }: SelectProps): ReactNode {
  return (
    <BaseField.Control
      className={`${styles['control']} ${styles['select']} ${className}`}
      render={
        <select {...rest}>
          {options.map(({ value, label }) => (
            <option key={value} value={value}>
              {label}
            </option>
          ))}
        </select>
      }
    />
  )
}
