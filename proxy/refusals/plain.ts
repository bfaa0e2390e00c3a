/** Controls and what turns the direction of text: no terminal and no page is given orders by a reason. */
export const plain = (text: string): string => text.replaceAll(/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]+/gu, ' ')
