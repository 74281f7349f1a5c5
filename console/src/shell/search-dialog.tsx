import { useNavigate } from '@tanstack/react-router'
import { type KeyboardEvent, type ReactNode, useState } from 'react'
import { useCall } from '../api/use-call.ts'
import type { Messages } from '../language/en/messages.ts'
import { useMessages } from '../language/language-context.tsx'
import { Dialog } from '../parts/dialog.tsx'
import { Field, TextInput } from '../parts/field.tsx'
import { pagePath } from '../url/page-path.ts'
import { useNamespace } from '../url/use-namespace.ts'
import { PAGES } from './pages.ts'
import styles from './search-dialog.module.css'
import { type Found, searchFor } from './search-rules.ts'

/** `/`: a run by its id, a job by a part of its name, a page, or all runs with a text. */
export function SearchDialog({ isOpen, onClose }: { readonly isOpen: boolean; readonly onClose: () => void }): ReactNode {
  const { shell } = useMessages()
  return (
    <Dialog isOpen={isOpen} onClose={onClose} title={shell.search}>
      <SearchForm onClose={onClose} />
    </Dialog>
  )
}

function SearchForm({ onClose }: { readonly onClose: () => void }): ReactNode {
  const { shell } = useMessages()
  const namespace = useNamespace()
  const navigate = useNavigate()
  const [text, setText] = useState('')
  const [at, setAt] = useState(0)
  const jobs = useCall('jobsList', { limit: 1_000 })
  const pages = PAGES.map(({ id, path }) => ({ name: shell.pages[id], path }))
  const found = searchFor({ text, pages, jobs: (jobs.data?.items ?? []).map(({ name }) => name) })
  const open = (one: Found | undefined) => {
    if (one === undefined) return
    onClose()
    navigate({ href: pagePath(namespace, one.path) }).catch(() => undefined)
  }
  const press = (event: KeyboardEvent) => {
    const step = event.key === 'ArrowDown' ? 1 : event.key === 'ArrowUp' ? -1 : 0
    if (step !== 0) {
      event.preventDefault()
      setAt((at + step + found.length) % found.length)
    }
    if (event.key === 'Enter') open(found[at])
  }
  return (
    // biome-ignore lint/a11y/noStaticElementInteractions: the arrows work wherever the focus is in the form.
    <div className={styles['form']} onKeyDown={press}>
      <Field label={shell.searchHint} isLabelHidden>
        <TextInput
          autoFocus
          role="combobox"
          aria-expanded={true}
          aria-controls="search-found"
          aria-activedescendant={`search-found-${at}`}
          placeholder={shell.searchPlaceholder}
          value={text}
          onChange={(event) => {
            setText(event.currentTarget.value)
            setAt(0)
          }}
        />
      </Field>
      <div id="search-found" role="listbox" aria-label={shell.search} className={styles['found']}>
        {found.map((one, i) => (
          // biome-ignore lint/a11y/useKeyWithClickEvents: the field has the keys.
          // biome-ignore lint/a11y/useFocusableInteractive: the field keeps the focus.
          <div
            key={`${one.kind} ${one.path}`}
            id={`search-found-${i}`}
            role="option"
            aria-selected={i === at}
            className={styles['one']}
            onClick={() => open(one)}
            onMouseMove={() => setAt(i)}
          >
            <span>{wordsOf(one, shell)}</span>
            <span className={styles['kind']}>{one.kind === 'page' ? '' : shell.pages[PAGE_OF[one.kind]]}</span>
          </div>
        ))}
      </div>
    </div>
  )
}

const PAGE_OF = { run: 'runs', text: 'runs', job: 'jobs', lines: 'logs' } as const

function wordsOf({ kind, name }: Found, shell: Messages['shell']): string {
  if (kind === 'run') return shell.searchRun(name)
  if (kind === 'text') return shell.searchText(name)
  return kind === 'lines' ? shell.searchLines(name) : name
}
