import { useMutation, useQueryClient } from '@tanstack/react-query'
import { type FormEvent, type ReactNode, useState } from 'react'
import { request } from '../api/request.ts'
import { useMessages } from '../language/language-context.tsx'
import { Button } from '../parts/button.tsx'
import { Field, TextInput } from '../parts/field.tsx'
import { ProblemNote } from '../parts/states.tsx'
import { Bell } from '../shell/bell.tsx'
import { SESSION_KEY } from './session.ts'
import styles from './sign-in.module.css'

/** Where a one-time link leads: it makes an account, or gives it a new password. */
export function Welcome({ secret, onDone }: { readonly secret: string; readonly onDone: () => void }): ReactNode {
  const { session } = useMessages()
  const queries = useQueryClient()
  const [isDifferent, setDifferent] = useState(false)
  const create = useMutation({
    mutationFn: (body: { name: string; password: string }) =>
      request('/api/v1/session/link', { method: 'POST', body: { secret, ...body } }),
    onSuccess: async () => {
      // The secret is used up: it has no business in the history.
      history.replaceState(null, '', '/')
      await queries.resetQueries({ queryKey: SESSION_KEY })
      onDone()
    },
  })
  const submit = (event: FormEvent<HTMLFormElement>) => {
    event.preventDefault()
    const form = new FormData(event.currentTarget)
    const password = String(form.get('password'))
    setDifferent(password !== form.get('repeat'))
    if (password === form.get('repeat')) create.mutate({ name: String(form.get('name')), password })
  }
  return (
    <main className={styles['page']}>
      <form className={styles['card']} onSubmit={submit}>
        <Bell className={styles['bell']} />
        <h1>{session.welcomeTitle}</h1>
        <p className={styles['note']}>{session.welcomeText}</p>
        <Field label={session.name}>
          <TextInput name="name" autoComplete="username" required autoFocus />
        </Field>
        <Field label={session.password} hint={session.passwordRule}>
          <TextInput name="password" type="password" autoComplete="new-password" required minLength={12} />
        </Field>
        <Field label={session.repeat} {...(isDifferent ? { problem: session.mismatch } : {})}>
          <TextInput name="repeat" type="password" autoComplete="new-password" required />
        </Field>
        {create.error !== null && <ProblemNote error={create.error} />}
        <Button type="submit" look="main" disabled={create.isPending}>
          {session.create}
        </Button>
      </form>
    </main>
  )
}
