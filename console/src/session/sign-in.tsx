import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query'
import type { FormEvent, ReactNode } from 'react'
import { request } from '../api/request.ts'
import { useMessages } from '../language/language-context.tsx'
import { Button } from '../parts/button.tsx'
import { Field, TextInput } from '../parts/field.tsx'
import { ProblemNote } from '../parts/states.tsx'
import { Bell } from '../shell/bell.tsx'
import { providerPath, SESSION_KEY, waysQuery } from './session.ts'
import styles from './sign-in.module.css'

export function SignIn(): ReactNode {
  const { session } = useMessages()
  const queries = useQueryClient()
  const ways = useQuery(waysQuery)
  const signIn = useMutation({
    mutationFn: (body: { name: string; password: string }) => request('/api/v1/session', { method: 'POST', body }),
    onSuccess: () => queries.resetQueries({ queryKey: SESSION_KEY }),
  })
  const submit = (event: FormEvent<HTMLFormElement>) => {
    event.preventDefault()
    const form = new FormData(event.currentTarget)
    signIn.mutate({ name: String(form.get('name')), password: String(form.get('password')) })
  }
  return (
    <main className={styles['page']}>
      <form className={styles['card']} onSubmit={submit}>
        <Bell className={styles['bell']} />
        <h1>{session.title}</h1>
        {ways.data?.isSetUp === false && <p className={styles['note']}>{session.notSetUp}</p>}
        <Field label={session.name}>
          <TextInput name="name" autoComplete="username" required autoFocus />
        </Field>
        <Field label={session.password}>
          <TextInput name="password" type="password" autoComplete="current-password" required />
        </Field>
        {signIn.error !== null && <ProblemNote error={signIn.error} />}
        <Button type="submit" look="main" disabled={signIn.isPending}>
          {signIn.isPending ? session.signingIn : session.signIn}
        </Button>
        {ways.data?.oidc !== undefined && (
          <>
            <p className={styles['or']}>{session.or}</p>
            <a className={styles['provider']} href={providerPath(location)}>
              {session.with(ways.data.oidc.name)}
            </a>
          </>
        )}
      </form>
    </main>
  )
}
