"""What the phone says when something does not work, and how it says values."""

from netid.errors import NetIDError, Unreachable
from netid.identity.readable import write_value
from netid.identity.text import Language, Text
from netid.wallet import errors

_NOTHING_SHARED = Text(zh="没有提供任何信息。", en="Nothing was shared.")

FAULTS: dict[type[NetIDError], tuple[Text, Text]] = {
    errors.OfferRefused: (
        Text(zh="这不是可以接收的网证", en="This is not an offer this wallet can take"),
        Text(
            zh="钱包只接收公共服务平台发出的链接。请回到公共服务平台，重新取一个。",
            en="The wallet takes links from its provider only. Go back there and get a new one.",
        ),
    ),
    errors.IssuingEnded: (
        Text(zh="这次没有收到网证", en="No copies came"),
        Text(
            zh="链接已用过或已过期，或者公共服务平台现在不发。请回到公共服务平台，重新取一个链接。",
            en="The link was used or has expired, or the provider gives out none now. Get a new link there.",
        ),
    ),
    errors.IssuerRefused: (
        Text(zh="收到的东西不对，钱包没有存", en="What came was not right, so the wallet kept none of it"),
        Text(
            zh="公共服务平台的回答核对不上。请稍后再试。",
            en="The provider’s answer did not check out. Try later.",
        ),
    ),
    errors.RequestRefused: (
        Text(zh="无法核实是谁在问，钱包已拦下", en="The wallet cannot tell who asks, so it stopped"),
        Text(
            zh="这个请求核对不上公共服务平台的登记，或者已经过期。没有提供任何信息。"
            "如果网证已存了很久，请先取新的副本。",
            en="The request does not match any registration, or has expired. Nothing was shared. If your "
            "copies are old, get new ones first.",
        ),
    ),
    errors.RequestEnded: (
        Text(zh="链接已过期", en="This link has expired"),
        Text(
            zh="没有提供任何信息。请回到刚才的网站或应用，重新开始。",
            en="Nothing was shared. Go back to the site or app you came from and start again.",
        ),
    ),
    errors.NoCopyLeft: (
        Text(zh="没有可以出示的副本了", en="No copy is left to show"),
        Text(
            zh="每个副本只用一次。没有提供任何信息。请先取新的副本，再回到刚才的网站或应用。",
            en="Each copy is used once. Nothing was shared. Get new copies, then go back to the site or app.",
        ),
    ),
    errors.ClaimMissing: (
        Text(zh="没有可以提供的内容", en="There is nothing to share"),
        Text(
            zh="网证里没有它必需的内容，或者一项也没有勾选。没有提供任何信息。",
            en="Your net credential lacks what it needs, or nothing was ticked. Nothing was shared.",
        ),
    ),
    errors.GrantRefused: (
        Text(zh="这不是给这个钱包的监护人许可", en="This is no guardian’s permission for this wallet"),
        _NOTHING_SHARED,
    ),
    errors.AnswerNotTaken: (
        Text(zh="对方没有收下回答", en="The answer was not taken"),
        Text(
            zh="互联网平台没有确认收到，但它可能已经看到发出的内容。用掉的副本不会再用。本机记录里记着发了哪几项。",
            en="The platform did not confirm it, though it may have read what was sent. A copy that was used "
            "is not used again. The log on this device names what was sent.",
        ),
    ),
    Unreachable: (
        Text(zh="连不上", en="No connection"),
        Text(zh="对方现在没有回答。请稍后再试。", en="There is no answer now. Try again later."),
    ),
}

FORM_REFUSED = (
    Text(zh="这个请求不是从钱包的页面发出的", en="This did not come from a page of the wallet"),
    _NOTHING_SHARED,
)
MISSING = (
    Text(zh="没有这个页面", en="There is no such page"),
    _NOTHING_SHARED,
)
REFUSED_THERE = (
    Text(zh="没有取到新的副本", en="No new copies came"),
    Text(
        zh="您在公共服务平台没有同意，或者没有完成登录。",
        en="You did not agree at the provider, or did not sign in.",
    ),
)


def value(name: str, given: str | bool, language: Language) -> str:
    """A claim's value as it is read; a yes or no in words."""
    if isinstance(given, bool):
        return ("是" if given else "否") if language == "zh" else ("yes" if given else "no")
    return write_value(name, given, language)
