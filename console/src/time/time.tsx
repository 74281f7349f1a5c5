import type { ReactNode } from 'react'
import { useLanguage } from '../language/language-context.tsx'
import { formatDuration, formatRelative, formatTime, viewerZone } from './format.ts'
import { useNow } from './ticker.ts'

export interface TimeProps {
  /** RFC 3339. */
  readonly at: string
  /** Of the job: shown beside the viewer's when it is another one. */
  readonly zone?: string | undefined
}

/** The date and time in the viewer's zone, with the job's zone beside it; the tooltip has UTC. */
export function AbsoluteTime({ at, zone }: TimeProps): ReactNode {
  const { language } = useLanguage()
  const own = viewerZone()
  return (
    <time dateTime={at} title={`${new Date(at).toISOString()} UTC`}>
      {formatTime(at, { language, zone: own })}
      {zone !== undefined && zone !== own && (
        <span className="muted">
          {' '}
          · {formatTime(at, { language, zone })} {zone}
        </span>
      )}
    </time>
  )
}

/** How long ago, ticking; the tooltip has the time in the viewer's zone and in UTC. */
export function RelativeTime({ at }: TimeProps): ReactNode {
  const { language } = useLanguage()
  const now = useNow()
  const zone = viewerZone()
  return (
    <time dateTime={at} title={`${formatTime(at, { language, zone })} ${zone}\n${new Date(at).toISOString()} UTC`}>
      {formatRelative(Date.parse(at), now, language)}
    </time>
  )
}

/** From one time to another, or until now: then it ticks. */
export function Duration({ from, to }: { readonly from: string; readonly to?: string | undefined }): ReactNode {
  return to === undefined ? <RunningDuration from={from} /> : formatDuration(Date.parse(to) - Date.parse(from))
}

function RunningDuration({ from }: { readonly from: string }): ReactNode {
  const now = useNow()
  const ms = Math.max(0, now - Date.parse(from))
  return formatDuration(ms < 60_000 ? Math.floor(ms / 1_000) * 1_000 : ms)
}
