import type { Schedule } from '@carillon/contracts'
import { type ReactNode, useState } from 'react'
import { asProblem } from '../api/problem.ts'
import { useAction } from '../api/use-call.ts'
import { useMessages } from '../language/language-context.tsx'
import { Button } from '../parts/button.tsx'
import { Field, Select, TextInput } from '../parts/field.tsx'
import { ProblemNote } from '../parts/states.tsx'
import { systemClock } from '../time/clock.ts'
import { viewerZone } from '../time/format.ts'
import { AbsoluteTime } from '../time/time.tsx'
import { BackfillButton } from './backfill-button.tsx'
import { zoneOf } from './draft.ts'
import styles from './schedule.module.css'
import { skipReason } from './words.ts'

const MISFIRES = ['once', 'skip', 'all'] as const
/** Slots that are listed. */
const SHOWN = 50
const HOUR_MS = 3_600_000

export interface MisfireSimulatorProps {
  readonly name: string
  readonly schedule: Schedule
  /** The policy of the job. */
  readonly misfire: (typeof MISFIRES)[number]
}

/** What would have happened if no coordinator had been there for a while. */
export function MisfireSimulator({ name, schedule, misfire }: MisfireSimulatorProps): ReactNode {
  const { schedule: texts, parts } = useMessages()
  const [policy, setPolicy] = useState(misfire)
  const [from, setFrom] = useState(() => localText(systemClock.now() - 24 * HOUR_MS))
  const [to, setTo] = useState(() => localText(systemClock.now()))
  const preview = useAction('jobsPreview')
  const ask = () => preview.mutate({ name, schedule, misfire: policy, count: 1, missed: { from: instantOf(from), to: instantOf(to) } })
  const missed = preview.data?.missed
  return (
    <div className={styles['preview']}>
      <p className={styles['hint']}>
        {texts.simulatorHint} {parts.zone(viewerZone())}.
      </p>
      <div className={styles['row']}>
        <Field label={texts.from}>
          <TextInput type="datetime-local" value={from} onChange={(event) => setFrom(event.currentTarget.value)} />
        </Field>
        <Field label={texts.to}>
          <TextInput type="datetime-local" value={to} onChange={(event) => setTo(event.currentTarget.value)} />
        </Field>
        <Field label={texts.policy}>
          <Select
            value={policy}
            options={MISFIRES.map((value) => ({ value, label: texts.misfires[value] }))}
            onChange={(event) => setPolicy(event.currentTarget.value as typeof policy)}
          />
        </Field>
        <Button disabled={preview.isPending || from === '' || to === ''} onClick={ask}>
          {texts.simulate}
        </Button>
      </div>
      {preview.error !== null && <ProblemNote error={asProblem(preview.error)} />}
      <div aria-live="polite">
        {missed && (
          <>
            <p className={styles['outcome']}>{texts.wouldRun(missed.run.length)}</p>
            {missed.run.length > 0 && <BackfillButton name={name} slots={missed.run} />}
            <ol className={styles['slots']}>
              {missed.run.slice(0, SHOWN).map((slot) => (
                <li key={slot}>
                  <AbsoluteTime at={slot} zone={zoneOf(schedule)} />
                </li>
              ))}
            </ol>
            {missed.skipped.map(({ reason, from: first, to: last, count }) => (
              <p key={`${reason} ${first}`} className={styles['hint']}>
                {texts.skipped(count, skipReason(texts, reason))} <AbsoluteTime at={first} /> – <AbsoluteTime at={last} />
              </p>
            ))}
          </>
        )}
      </div>
    </div>
  )
}

/** A time as the input of the browser has it: in the viewer's zone, without seconds. */
function localText(ms: number): string {
  const offsetMs = new Date(ms).getTimezoneOffset() * 60_000
  return new Date(ms - offsetMs).toISOString().slice(0, 16)
}

const instantOf = (local: string): string => (local === '' ? '' : new Date(local).toISOString())
