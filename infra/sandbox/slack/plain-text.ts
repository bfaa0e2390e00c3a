import type { Block, Element, TextObject } from './block-kit.ts'
import { memberWithId } from './members.ts'
import type { Message } from './messages.ts'
import { BOT, channelById } from './workspace.ts'

/** A message as a person would read it. Slack shows the blocks where there are any, the text where there are none. */
export const messageText = ({ text, blocks }: Pick<Message, 'text' | 'blocks'>): string =>
  blocks && blocks.length > 0 ? blocks.map(blockText).join('\n') : mrkdwnText(text)

const blockText = (block: Block): string => {
  switch (block.type) {
    case 'section':
      return [
        ...(block.text ? [objectText(block.text)] : []),
        ...(block.fields ?? []).map(objectText),
        ...(block.accessory && block.accessory.type !== 'image' ? [elementText(block.accessory)] : []),
      ].join('\n')
    case 'header':
      return objectText(block.text)
    case 'divider':
      return '---'
    case 'context':
      return block.elements
        .map((one) => (one.type === 'image' ? `(${one.alt_text})` : objectText(one)))
        .join('  ')
    case 'actions':
      return block.elements.map(elementText).join(' ')
    case 'image':
      return `(${block.alt_text})`
    case 'markdown':
      return block.text
  }
}

const elementText = (element: Element): string => {
  if (element.type === 'button') return `[${element.text.text}]`
  return `[${element.options.map((option) => option.text.text).join(' | ')}]`
}

const objectText = (object: TextObject): string =>
  object.type === 'mrkdwn' ? mrkdwnText(object.text) : object.text

/** Slack's markup without its marks. Code keeps its backticks, and what is inside them stays as it is. */
export const mrkdwnText = (text: string): string =>
  text
    .split(/(```[\s\S]*?```|`[^`\n]+`)/)
    .map((part) => withoutEscapes(part.startsWith('`') ? part : withoutMarks(part)))
    .join('')

const withoutMarks = (text: string): string =>
  text
    .replace(/(?<![\w*])\*([^*\n]+)\*(?![\w*])/g, '$1')
    .replace(/(?<![\w_])_([^_\n]+)_(?![\w_])/g, '$1')
    .replace(/(?<![\w~])~([^~\n]+)~(?![\w~])/g, '$1')
    .replace(/<([^<>]+)>/g, (_whole, link: string) => linkText(link))

const linkText = (link: string): string => {
  const [target = '', label] = link.split('|')
  if (target.startsWith('@')) return `@${label ?? userName(target.slice(1))}`
  if (target.startsWith('#')) return `#${label ?? channelById(target.slice(1))?.name ?? target.slice(1)}`
  if (target.startsWith('!')) return label ?? `@${target.slice(1)}`
  return label === undefined || label === target ? target : `${label} (${target})`
}

export const userName = (id: string): string => (id === BOT.user ? BOT.name : (memberWithId(id)?.name ?? id))

const withoutEscapes = (text: string): string =>
  text.replaceAll('&lt;', '<').replaceAll('&gt;', '>').replaceAll('&amp;', '&')
