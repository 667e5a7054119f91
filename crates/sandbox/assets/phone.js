// Shows what has come since, every two seconds, while the page is looked at and nothing in the conversation is focused.
async function refresh() {
  const main = document.querySelector('main')
  const list = main.querySelector('ol, ul')
  if (document.hidden || main.querySelector(':focus:not(#talk)')) return
  const answer = await fetch(location.href)
  if (!answer.ok) return
  const page = new DOMParser().parseFromString(await answer.text(), 'text/html')
  const fresh = page.querySelector('main ol, main ul')
  if (!list || !fresh) return main.replaceChildren(...page.querySelector('main').childNodes)
  // One by one: a screen reader says only what is new.
  const items = [...fresh.children]
  items.forEach((item, index) => {
    const old = list.children[index]
    if (!old) list.append(item)
    else if (old.outerHTML !== item.outerHTML) old.replaceWith(item)
  })
  while (list.children.length > items.length) list.lastElementChild.remove()
}

setInterval(() => refresh().catch(() => {}), 2000)
