import { type ReactNode, useEffect, useState } from 'react'
import { useMessages } from '../../../language/language-context.tsx'
import { systemClock } from '../../../time/clock.ts'
import type { LogSource } from './log-source.ts'

const EVERY_MS = 5_000

/** Says to a screen reader how many lines have come, at most every 5 s. */
export function LogAnnouncer({ source }: { readonly source: LogSource }): ReactNode {
  const { run } = useMessages()
  const [said, setSaid] = useState('')
  useEffect(() => {
    let before = { lines: source.buffer.lines.length, errors: source.buffer.errors, isComplete: false }
    let cancel = systemClock.after(EVERY_MS, check)
    function check() {
      const { buffer, snapshot } = source
      const now = { lines: buffer.lines.length + buffer.dropped, errors: buffer.errors, isComplete: snapshot.isComplete }
      if (before.isComplete && now.lines > before.lines) setSaid(run.log.announced(now.lines - before.lines, now.errors - before.errors))
      before = now
      cancel = systemClock.after(EVERY_MS, check)
    }
    return () => cancel()
  }, [source, run])
  return (
    <div role="status" className="visually-hidden">
      {said}
    </div>
  )
}
