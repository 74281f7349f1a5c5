import { Menu } from '@base-ui/react/menu'
import type { BulkAction } from '@carillon/contracts'
import { BULK_ACTIONS } from '@carillon/contracts'
import { type ReactNode, useState } from 'react'
import { useMessages } from '../../../language/language-context.tsx'
import { Button } from '../../../parts/button.tsx'
import { Dialog } from '../../../parts/dialog.tsx'
import { useMay } from '../../../session/session.ts'
import styles from '../runs-page.module.css'
import type { RunsSource } from '../runs-source.ts'
import type { Selection } from '../use-selection.ts'
import { BulkForm } from './bulk-form.tsx'

export interface BulkBarProps {
  readonly source: RunsSource
  readonly selection: Selection
  readonly onDone: () => void
}

/** Actions on the runs that are ticked, or on all that match the filter. */
export function BulkBar({ source, selection, onDone }: BulkBarProps): ReactNode {
  const { runs, session } = useMessages()
  const may = useMay('operator')
  const [action, setAction] = useState<BulkAction>()
  const count = selection.ids.size
  const filter = source.filter
  const hasFilter = Object.keys(filter).length > 0
  const canAct = may && (count > 0 || hasFilter)
  const close = () => setAction(undefined)
  return (
    <div className={styles['bulk']}>
      {count > 0 && (
        <Button size="small" look="quiet" onClick={() => selection.clear()} title={runs.clear}>
          {runs.selected(count)} ✕
        </Button>
      )}
      <Menu.Root>
        <Menu.Trigger className={styles['states']} disabled={!canAct} title={may ? undefined : session.needsRole(session.roles.operator)}>
          {count > 0 ? runs.actOnSelected : runs.selectMatching} <span aria-hidden="true">▾</span>
        </Menu.Trigger>
        <Menu.Portal>
          <Menu.Positioner className={styles['positioner']} sideOffset={4} align="end">
            <Menu.Popup className={styles['menu']}>
              {BULK_ACTIONS.map((one) => (
                <Menu.Item key={one} className={styles['menu-item']} onClick={() => setAction(one)}>
                  {runs.bulk.actions[one]}
                </Menu.Item>
              ))}
            </Menu.Popup>
          </Menu.Positioner>
        </Menu.Portal>
      </Menu.Root>
      <Dialog isOpen={action !== undefined} onClose={close} title={action === undefined ? '' : runs.bulk.title(runs.bulk.actions[action])}>
        {action !== undefined && (
          <BulkForm
            action={action}
            target={count > 0 ? { ids: [...selection.ids] } : { filter }}
            onClose={close}
            onDone={() => {
              selection.clear()
              onDone()
            }}
          />
        )}
      </Dialog>
    </div>
  )
}
