import { Menu } from '@base-ui/react/menu'
import { RUN_STATES, type RunState } from '@carillon/contracts'
import { type ReactNode, useState } from 'react'
import { useMessages } from '../../language/language-context.tsx'
import { Button } from '../../parts/button.tsx'
import { Field, Select } from '../../parts/field.tsx'
import { StateBadge } from '../../parts/state-badge.tsx'
import { SubmitField } from '../../parts/submit-field.tsx'
import styles from './runs-page.module.css'
import { runsPlace } from './runs-place.ts'
import { hasFilter, RUN_RANGES, type RunRange, type RunsSearch, TEXT_FILTERS, type TextFilter } from './runs-search.ts'

/** States that a run can have; only a task can be `not_needed`. */
const STATES = RUN_STATES.filter((state) => state !== 'not_needed')
const FIRST: readonly TextFilter[] = ['job', 'text']
const MORE = TEXT_FILTERS.filter((name) => !FIRST.includes(name))

export function FilterBar({ search }: { readonly search: RunsSearch }): ReactNode {
  const { runs, parts } = useMessages()
  const navigate = runsPlace.useNavigate()
  const [isOpen, setOpen] = useState(MORE.some((name) => search[name] !== undefined))
  const change = (part: RunsSearch) => {
    navigate({ search: (before) => ({ ...before, ...part }), replace: true }).catch(() => undefined)
  }
  return (
    <search className={styles['filters']} aria-label={runs.filters}>
      <StateMenu chosen={search.state ?? []} onChoose={(state) => change({ state: state.length === 0 ? undefined : state })} />
      <Field label={runs.fields.since} isLabelHidden>
        <Select
          value={search.range ?? ''}
          options={[{ value: '', label: runs.ranges.any }, ...RUN_RANGES.map((range) => ({ value: range, label: runs.ranges[range] }))]}
          onChange={(event) => change({ range: event.currentTarget.value === '' ? undefined : (event.currentTarget.value as RunRange) })}
        />
      </Field>
      {(isOpen ? [...FIRST, ...MORE] : FIRST).map((name) => (
        <SubmitField
          key={name}
          className={styles[name === 'text' ? 'wide-filter' : 'text-filter']}
          label={runs.fields[name]}
          {...(name === 'label' ? { placeholder: `${runs.fields.label}: ${runs.labelHint}` } : {})}
          value={search[name] ?? ''}
          onChange={(value) => change({ [name]: value === '' ? undefined : value })}
        />
      ))}
      {isOpen && <TimeFields search={search} onChange={change} />}
      <Button look="quiet" aria-expanded={isOpen} onClick={() => setOpen(!isOpen)}>
        {runs.more}
      </Button>
      {hasFilter(search) && (
        <Button look="quiet" onClick={() => navigate({ search: {}, replace: true }).catch(() => undefined)}>
          {parts.clearFilters}
        </Button>
      )}
    </search>
  )
}

interface StateMenuProps {
  readonly chosen: readonly RunState[]
  readonly onChoose: (states: readonly RunState[]) => void
}

function StateMenu({ chosen, onChoose }: StateMenuProps): ReactNode {
  const { runs } = useMessages()
  const [only] = chosen
  return (
    <Menu.Root>
      <Menu.Trigger className={styles['states']}>
        <span className="visually-hidden">{runs.fields.state}: </span>
        {only === undefined ? runs.anyState : chosen.length === 1 ? <StateBadge state={only} /> : runs.statesChosen(chosen.length)}
        <span aria-hidden="true">▾</span>
      </Menu.Trigger>
      <Menu.Portal>
        <Menu.Positioner className={styles['positioner']} sideOffset={4} align="start">
          <Menu.Popup className={styles['menu']}>
            {STATES.map((state) => (
              <Menu.CheckboxItem
                key={state}
                className={styles['menu-item']}
                checked={chosen.includes(state)}
                closeOnClick={false}
                onCheckedChange={(isChecked) => onChoose(isChecked ? [...chosen, state] : chosen.filter((one) => one !== state))}
              >
                <StateBadge state={state} />
                <Menu.CheckboxItemIndicator>✓</Menu.CheckboxItemIndicator>
              </Menu.CheckboxItem>
            ))}
          </Menu.Popup>
        </Menu.Positioner>
      </Menu.Portal>
    </Menu.Root>
  )
}

function TimeFields({ search, onChange }: { readonly search: RunsSearch; readonly onChange: (part: RunsSearch) => void }): ReactNode {
  const { runs } = useMessages()
  return (
    <>
      <Field label={runs.fields.time} isLabelHidden>
        <Select
          value={search.time ?? 'created'}
          options={(['created', 'ended'] as const).map((time) => ({ value: time, label: runs.by[time] }))}
          onChange={(event) => onChange({ time: event.currentTarget.value === 'ended' ? 'ended' : undefined })}
        />
      </Field>
      <Field label={runs.fields.order} isLabelHidden>
        <Select
          value={search.order ?? 'newest'}
          options={(['newest', 'oldest'] as const).map((order) => ({ value: order, label: runs.orders[order] }))}
          onChange={(event) => onChange({ order: event.currentTarget.value === 'oldest' ? 'oldest' : undefined })}
        />
      </Field>
    </>
  )
}
