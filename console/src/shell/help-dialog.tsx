import type { ReactNode } from 'react'
import { useMessages } from '../language/language-context.tsx'
import { Dialog } from '../parts/dialog.tsx'
import styles from './help-dialog.module.css'
import { PAGES } from './pages.ts'

/** All keys, on one page. */
export function HelpDialog({ isOpen, onClose }: { readonly isOpen: boolean; readonly onClose: () => void }): ReactNode {
  const { shell } = useMessages()
  const { shortcuts } = shell
  const keys: readonly (readonly [string, string])[] = [
    ['/', shortcuts.search],
    ['?', shortcuts.help],
    ...PAGES.map(({ id, letter }) => [`g ${letter}`, shortcuts.goTo(shell.pages[id])] as const),
    ['j', shortcuts.next],
    ['k', shortcuts.previous],
    ['Enter', shortcuts.open],
    ['x', shortcuts.select],
    ['.', shortcuts.actions],
    ['Esc', shortcuts.close],
  ]
  return (
    <Dialog isOpen={isOpen} onClose={onClose} title={shell.help}>
      <dl className={styles['keys']}>
        {keys.map(([key, meaning]) => (
          <div key={key}>
            <dt>
              {key.split(' ').map((one) => (
                <kbd key={one}>{one}</kbd>
              ))}
            </dt>
            <dd>{meaning}</dd>
          </div>
        ))}
      </dl>
    </Dialog>
  )
}
