import { type ControllerOf, pageThatFits } from '@carillon/runtime'
import type { Store } from '@carillon/store'
import type { ChangeLetters } from './change-letters.ts'
import { letterNotFound, letterView } from './rules/letter.ts'

export interface LetterCases {
  readonly store: Store
  readonly changeLetters: ChangeLetters
}

export const deadLettersController = ({ store, changeLetters }: LetterCases) =>
  ({
    answers: {
      deadLettersList: ({ namespace, input }) =>
        pageThatFits(
          (maxBytes) => store.deadLetters.list({ namespace, ...input, maxBytes }),
          (letters) => letters.map(letterView),
        ),
      deadLettersGet: async ({ namespace, input }) => {
        const [letter] = await store.deadLetters.get([input.id])
        if (letter?.namespace !== namespace) throw letterNotFound(input.id)
        return letterView(letter)
      },
      deadLettersRedrive: ({ namespace, input, by }) => changeLetters.redrive(namespace, input, by),
      deadLettersRollback: ({ namespace, input }) => changeLetters.rollback(namespace, input.id),
      deadLettersRemove: ({ namespace, input }) => changeLetters.remove(namespace, input.id),
    },
  }) satisfies ControllerOf<'coordinator'>
