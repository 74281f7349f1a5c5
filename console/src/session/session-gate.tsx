import { useQuery } from '@tanstack/react-query'
import { type ReactNode, useState } from 'react'
import { useMessages } from '../language/language-context.tsx'
import { ErrorState, LoadingState } from '../parts/states.tsx'
import { sessionQuery } from './session.ts'
import { SignIn } from './sign-in.tsx'
import { Welcome } from './welcome.tsx'
import { welcomeSecret } from './welcome-link.ts'

/** Shows the pages to who is signed in, and the way in to everyone else. */
export function SessionGate({ children }: { readonly children: ReactNode }): ReactNode {
  const [secret, setSecret] = useState(() => welcomeSecret(location.hash))
  const { data, error, isPending, refetch } = useQuery({ ...sessionQuery, enabled: secret === undefined })
  const messages = useMessages()
  if (secret !== undefined) return <Welcome secret={secret} onDone={() => setSecret(undefined)} />
  if (isPending) return <LoadingState />
  if (error !== null) return <ErrorState error={error} onRetry={() => refetch()} />
  if (data === null) return <SignIn />
  if (Object.keys(data.namespaces).length === 0) return <ErrorState error={new Error(messages.session.noNamespace)} />
  return children
}
