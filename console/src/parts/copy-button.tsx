import { type ReactNode, useEffect, useState } from 'react'
import { useMessages } from '../language/language-context.tsx'
import { systemClock } from '../time/clock.ts'
import { Button } from './button.tsx'
import { copyText } from './download.ts'

const SAID_MS = 1_500

export function CopyButton({ text, label }: { readonly text: string; readonly label?: string }): ReactNode {
  const { parts } = useMessages()
  const [isCopied, setCopied] = useState(false)
  useEffect(() => (isCopied ? systemClock.after(SAID_MS, () => setCopied(false)) : undefined), [isCopied])
  const copy = () =>
    copyText(text)
      .then(() => setCopied(true))
      .catch(() => undefined)
  return (
    <Button look="quiet" size="small" onClick={copy}>
      <span aria-live="polite">{isCopied ? parts.copied : (label ?? parts.copy)}</span>
    </Button>
  )
}
