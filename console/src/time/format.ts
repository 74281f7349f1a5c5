const formats = new Map<string, Intl.DateTimeFormat>()

/** The viewer's zone, as the browser knows it. */
export const viewerZone = (): string => Intl.DateTimeFormat().resolvedOptions().timeZone

export interface TimeStyle {
  readonly language: string
  readonly zone: string
  /** With ms, as log lines need it. */
  readonly precise?: boolean
}

/** `2026-11-28 14:05:09`: sorts, has no order of day and month to guess, and 24 hours. */
export function formatTime(at: string | number, { language, zone, precise = false }: TimeStyle): string {
  const key = `${language} ${zone} ${precise}`
  let format = formats.get(key)
  if (format === undefined) {
    format = new Intl.DateTimeFormat('sv-SE', {
      timeZone: zone,
      ...{ year: 'numeric', month: '2-digit', day: '2-digit', hour: '2-digit', minute: '2-digit', second: '2-digit' },
      ...(precise ? { fractionalSecondDigits: 3 as const } : {}),
    })
    formats.set(key, format)
  }
  return format.format(new Date(at)).replace(',', '.')
}

/** The time of day alone. */
export const formatClock = (at: string | number, style: TimeStyle): string => formatTime(at, style).slice(11)

const UNITS = [
  { unit: 'd', ms: 86_400_000 },
  { unit: 'h', ms: 3_600_000 },
  { unit: 'm', ms: 60_000 },
  { unit: 's', ms: 1_000 },
] as const

/** `412 ms`, `12.4 s`, `3 m 20 s`, `2 d 4 h`: two units at most. */
export function formatDuration(ms: number): string {
  if (ms < 0) return `-${formatDuration(-ms)}`
  if (ms < 1_000) return `${Math.round(ms)} ms`
  if (ms < 60_000) return ms < 10_000 ? `${(Math.floor(ms / 100) / 10).toFixed(1)} s` : `${Math.floor(ms / 1_000)} s`
  const first = UNITS.findIndex((unit) => ms >= unit.ms)
  const [large, small] = [UNITS[first], UNITS[first + 1]]
  if (large === undefined || small === undefined) return `${Math.round(ms / 1_000)} s`
  const count = Math.floor(ms / large.ms)
  const rest = Math.floor((ms - count * large.ms) / small.ms)
  return rest === 0 ? `${count} ${large.unit}` : `${count} ${large.unit} ${rest} ${small.unit}`
}

/** `3 minutes ago`, `in 2 hours`, in words of the language. */
export function formatRelative(at: number, now: number, language: string): string {
  const words = new Intl.RelativeTimeFormat(language, { numeric: 'auto', style: 'short' })
  const distance = at - now
  const away = Math.abs(distance)
  const names = { d: 'day', h: 'hour', m: 'minute', s: 'second' } as const
  const { unit, ms } = UNITS.find((one) => away >= one.ms) ?? { unit: 's', ms: 1_000 }
  return words.format(Math.trunc(distance / ms), names[unit])
}
