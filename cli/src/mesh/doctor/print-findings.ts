import { harmless, type Terminal } from '../../output/terminal.ts'
import type { Finding } from './finding.ts'

/** Prints what was found: a line a part, and under what is wrong what to do. */
export function printFindings(terminal: Terminal, findings: readonly Finding[]): void {
  const bad = findings.filter((finding) => !finding.ok)
  if (terminal.json) {
    terminal.value({ ok: bad.length === 0, findings })
    return
  }
  for (const { part, ok, message, remedy } of findings) {
    terminal.print(`${terminal.paint(ok ? 'good' : 'bad', ok ? '✓' : '✗')} ${terminal.paint('strong', part)}: ${harmless(message)}`)
    if (remedy !== undefined) terminal.print(`    → ${harmless(remedy)}`)
  }
  terminal.print(bad.length === 0 ? 'All is well.' : `Wrong: ${bad.map((finding) => finding.part).join(', ')}`)
}
