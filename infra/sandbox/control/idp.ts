import type { Answer, Call } from './call.ts'

const keysAnswer = (kids: readonly string[]): Answer => ({
  text: `Published keys, the first signs: ${kids.join(', ')}`,
  json: { kids },
})

export const rotateKeys: Call = {
  method: 'POST',
  path: '/idp/rotate',
  does: 'Makes a new signing key; tokens signed by the old ones go on.',
  example: { path: '/idp/rotate' },
  answer: async ({ idp }) => keysAnswer(await idp.rotateKeys()),
}

export const withdrawKeys: Call = {
  method: 'POST',
  path: '/idp/withdraw',
  does: 'Publishes the newest signing key only; tokens signed by others are no good any more.',
  example: { path: '/idp/withdraw' },
  answer: ({ idp }) => keysAnswer(idp.withdrawOldKeys()),
}
