import { useNavigate } from '@tanstack/react-router'
import { useEffect, useEffectEvent } from 'react'
import { systemClock } from '../time/clock.ts'
import { pagePath } from '../url/page-path.ts'
import { useNamespace } from '../url/use-namespace.ts'
import { PAGES } from './pages.ts'
import { CHORD_MS, shortcutOf } from './shortcut-rules.ts'

export interface ShortcutHandlers {
  readonly onSearch: () => void
  readonly onHelp: () => void
}

const isTyping = (target: EventTarget | null) =>
  target instanceof HTMLElement && (target.isContentEditable || /^(INPUT|TEXTAREA|SELECT)$/.test(target.tagName))

/** The keys of the whole console. */
export function useShortcuts({ onSearch, onHelp }: ShortcutHandlers): void {
  const navigate = useNavigate()
  const namespace = useNamespace()
  const act = useEffectEvent((event: KeyboardEvent, isChord: boolean): boolean => {
    const shortcut = shortcutOf(event.key, isChord)
    if (shortcut === undefined) return false
    if (shortcut === 'chord') return true
    if (shortcut.kind === 'row') moveRow(shortcut.what)
    else event.preventDefault()
    if (shortcut.kind === 'search') onSearch()
    if (shortcut.kind === 'help') onHelp()
    const page = shortcut.kind === 'go' ? PAGES.find(({ letter }) => letter === shortcut.letter) : undefined
    if (page !== undefined) navigate({ to: pagePath(namespace, page.path) }).catch(() => undefined)
    return false
  })
  useEffect(() => {
    let chordUntil = 0
    const listen = (event: KeyboardEvent) => {
      if (event.ctrlKey || event.metaKey || event.altKey || event.isComposing || isTyping(event.target)) return
      if (document.querySelector('[role="dialog"]') !== null) return
      chordUntil = act(event, systemClock.now() < chordUntil) ? systemClock.now() + CHORD_MS : 0
    }
    document.addEventListener('keydown', listen)
    return () => document.removeEventListener('keydown', listen)
  }, [])
}

/** Rows of lists have `data-row`, with a link in them that opens, a box that selects and a button for actions. */
function moveRow(what: 'next' | 'previous' | 'open' | 'select' | 'actions'): void {
  const rows = [...document.querySelectorAll<HTMLElement>('main [data-row]')]
  const at = rows.findIndex((row) => row.contains(document.activeElement))
  const to = what === 'next' ? at + 1 : what === 'previous' ? at - 1 : at
  const row = rows[Math.max(0, Math.min(to, rows.length - 1))]
  const part = what === 'select' ? 'input[type=checkbox]' : what === 'actions' ? '[data-row-actions]' : 'a'
  const target = row?.querySelector<HTMLElement>(part)
  target?.focus()
  row?.scrollIntoView({ block: 'nearest' })
  if (what === 'select' || what === 'actions') target?.click()
}
