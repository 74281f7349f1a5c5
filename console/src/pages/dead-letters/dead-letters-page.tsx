import type { DeadLetter } from '@carillon/contracts'
import { useNavigate, useSearch } from '@tanstack/react-router'
import { type ReactNode, useState } from 'react'
import { usePages } from '../../api/use-pages.ts'
import { useMessages } from '../../language/language-context.tsx'
import { Button, RoleButton } from '../../parts/button.tsx'
import { Field, TextInput } from '../../parts/field.tsx'
import { ListStates } from '../../parts/list-states.tsx'
import { MoreButton } from '../../parts/more-button.tsx'
import { Page, Section } from '../../parts/page.tsx'
import { Badge, StateBadge } from '../../parts/state-badge.tsx'
import { type Column, Table } from '../../parts/table.tsx'
import { RelativeTime } from '../../time/time.tsx'
import { textOf } from '../../url/search.ts'
import layout from '../layout.module.css'
import { LetterBulkDialog } from './letter-bulk-dialog.tsx'
import { LetterDialog } from './letter-dialog.tsx'

/** Retries of calls that the mesh has given up, and what people decide about them. The open one is in the URL. */
export function DeadLettersPage(): ReactNode {
  const { deadLetters: texts } = useMessages()
  const navigate = useNavigate()
  const search = useSearch({ strict: false }) as Readonly<Record<string, unknown>>
  const scene = textOf(search, 'scene')
  const open = textOf(search, 'letter')
  const pages = usePages('deadLettersList', { limit: 50, ...(scene === undefined ? {} : { scene }) }, { topics: ['deadLetters'] })
  const letters = pages.items as readonly DeadLetter[] | undefined
  const [selected, setSelected] = useState<ReadonlySet<string>>(new Set())
  const [bulk, setBulk] = useState<'redrive' | 'remove'>()
  const setSearch = (change: object) => {
    navigate({ to: '.', search: { ...search, ...change } as never, replace: true }).catch(() => undefined)
  }
  const chosen = (letters ?? []).filter(({ id }) => selected.has(id)).map(({ id }) => id)
  return (
    <Page title={texts.title}>
      <div className={layout['toolbar']}>
        <div className={layout['grow']}>
          <SceneFilter scene={scene ?? ''} onChange={(next) => setSearch({ scene: next })} />
        </div>
        <div className={`${layout['buttons']} ${layout['push']}`}>
          {(['redrive', 'remove'] as const).map((action) => (
            <RoleButton key={action} role="operator" disabled={chosen.length === 0} onClick={() => setBulk(action)}>
              {texts.bulk[action](chosen.length)}
            </RoleButton>
          ))}
        </div>
      </div>
      <Section title={texts.title}>
        <ListStates items={letters} error={pages.error} onRetry={pages.reload} empty={texts.nothing} />
        {letters !== undefined && letters.length > 0 && (
          <LettersTable letters={letters} selected={selected} onSelect={setSelected} onOpen={(id) => setSearch({ letter: id })} />
        )}
        <MoreButton pages={pages} />
      </Section>
      {open !== undefined && <LetterDialog id={open} onClose={() => setSearch({ letter: undefined })} />}
      {bulk !== undefined && (
        <LetterBulkDialog
          action={bulk}
          ids={chosen}
          onClose={(isDone) => {
            setBulk(undefined)
            if (isDone) setSelected(new Set())
          }}
        />
      )}
    </Page>
  )
}

/** Applied when it is a whole name: the service has no search by a part of it. */
function SceneFilter({ scene, onChange }: { readonly scene: string; readonly onChange: (scene: string) => void }): ReactNode {
  const { deadLetters: texts } = useMessages()
  const [text, setText] = useState(scene)
  return (
    <form
      onSubmit={(event) => {
        event.preventDefault()
        onChange(text.trim())
      }}
    >
      <Field label={texts.scene} hint={texts.sceneHint}>
        <TextInput
          type="search"
          value={text}
          onChange={(event) => setText(event.currentTarget.value)}
          onBlur={() => onChange(text.trim())}
        />
      </Field>
    </form>
  )
}

interface LettersTableProps {
  readonly letters: readonly DeadLetter[]
  readonly selected: ReadonlySet<string>
  readonly onSelect: (selected: ReadonlySet<string>) => void
  readonly onOpen: (id: string) => void
}

function LettersTable({ letters, selected, onSelect, onOpen }: LettersTableProps): ReactNode {
  const { deadLetters: texts } = useMessages()
  const toggle = (id: string) => {
    const next = new Set(selected)
    if (!next.delete(id)) next.add(id)
    onSelect(next)
  }
  const columns: Column<DeadLetter>[] = [
    {
      key: 'select',
      title: texts.select,
      cell: ({ id }) => (
        <input
          type="checkbox"
          className={layout['check']}
          aria-label={texts.selectLetter(id)}
          checked={selected.has(id)}
          onChange={() => toggle(id)}
        />
      ),
    },
    {
      key: 'scene',
      title: texts.scene,
      cell: ({ id, scene }) => (
        <Button look="quiet" size="small" onClick={() => onOpen(id)}>
          {scene}
        </Button>
      ),
    },
    {
      key: 'state',
      title: texts.state,
      cell: ({ state, redrivenAs }) =>
        redrivenAs === undefined ? <StateBadge state={state} /> : <Badge tone="calm">{texts.redriven}</Badge>,
    },
    {
      key: 'error',
      title: texts.error,
      cell: ({ failure, reason }) => (failure === undefined ? (reason ?? '') : `${failure.name}: ${failure.message}`),
    },
    { key: 'attempts', title: texts.attempts, isNumber: true, isSecondary: true, cell: ({ attempts }) => attempts },
    { key: 'key', title: texts.key, isSecondary: true, cell: ({ key }) => key ?? '' },
    { key: 'at', title: texts.at, cell: ({ at }) => <RelativeTime at={at} /> },
  ]
  return <Table name={texts.title} columns={columns} rows={letters} idOf={({ id }) => id} />
}
