"""The three scenes: who they are, what they ask for, and what their members can do."""

from dataclasses import dataclass

from netid.client import Algorithm
from platform_demo.words import Words


@dataclass(frozen=True)
class Feature:
    """Something every member can do, however they signed up."""

    id: str
    words: Words


@dataclass(frozen=True)
class Deed:
    """The one feature that can be tried out here."""

    button: Words
    prompt: Words | None
    """What the member writes; None for a button alone."""
    done: Words
    """What the list of deeds says of each; `{text}` and `{number}` stand for its parts."""


@dataclass(frozen=True)
class Scene:
    """One made-up company and its service."""

    id: str
    """Its path, its client_id and the name of its database."""
    name: Words
    operator: Words
    why: Words
    """Why it has to know that somebody is real."""
    purpose: str | None
    """The registered purpose it asks for; None asks for the check result alone."""
    netid_shares: Words
    """What signing in with NetID would hand over, said beforehand."""
    other_way: Words
    """The name of the other lawful way."""
    other_way_shares: Words
    other_way_fields: tuple[str, ...]
    """What the form of the other way asks for, in order."""
    optional_fields: frozenset[str]
    old_way: tuple[str, ...]
    """What typing one's details, as is usual, hands to such a service."""
    features: tuple[Feature, ...]
    deed: Deed
    retention_days: int
    """As registered: how long the fields are kept."""
    userinfo_alg: Algorithm | None = None
    """As registered: how UserInfo's answers are signed, if they are."""

    @property
    def contact(self) -> str:
        """Where people can ask and complain."""
        return f"privacy@{self.id}.example"

    @property
    def key_file(self) -> str:
        """The private key's file in the key directory."""
        return f"platform_demo-{self.id}.json"

    @property
    def dpop_key_file(self) -> str:
        """The file of the key that its access tokens are bound to."""
        return f"platform_demo-{self.id}-dpop.json"


FORUM = Scene(
    id="forum",
    name=Words("檐下论坛", "Eaves Forum"),
    operator=Words("檐下社区（虚构）有限公司", "Eaves Community (made up) Ltd"),
    why=Words(
        "发帖的人必须是真实的人，这是法律的要求。论坛不需要知道您是谁。",
        "The law requires everyone who posts to be a real person. The forum does not need to know who you "
        "are.",
    ),
    purpose=None,
    netid_shares=Words(
        "檐下论坛会收到核验结果、核验方式、核验时间，以及只在该平台使用的标识。证件内容一项也不提供。",
        "Eaves Forum will receive the check result, how and when you were checked, and an identifier it "
        "alone uses. Nothing from your document is shared.",
    ),
    other_way=Words("用手机号码注册", "Sign up with a mobile number"),
    other_way_shares=Words(
        "论坛会收到您的手机号码，一直存到您注销账号。",
        "The forum receives your mobile number and keeps it until you delete your account.",
    ),
    other_way_fields=("phone_number",),
    optional_fields=frozenset(),
    old_way=("name", "document_number"),
    features=(
        Feature("post", Words("发帖、回帖", "Post and reply")),
        Feature("follow", Words("关注话题", "Follow topics")),
        Feature("message", Words("发私信", "Send messages")),
    ),
    deed=Deed(
        button=Words("发帖", "Post"),
        prompt=Words("想说的话", "What you want to say"),
        done=Words("{text}", "{text}"),
    ),
    retention_days=0,
)

GAME = Scene(
    id="game",
    name=Words("九格棋", "Nine Squares"),
    operator=Words("九格游戏（虚构）有限公司", "Nine Squares Games (made up) Ltd"),
    why=Words(
        "未满18岁的人只能在规定的时间玩。游戏只需要知道您是否已满18岁。",
        "People under 18 may play at set times only. The game needs to know one thing: whether you are 18.",
    ),
    purpose="minors-mode",
    netid_shares=Words(
        "九格棋会收到核验结果、核验方式、核验时间、只在这里使用的标识，以及“已满18岁”的是或否。"
        "姓名、证件号码和生日都不提供。未满14岁的，要由监护人同意。",
        "Nine Squares will receive the check result, how and when you were checked, an identifier it alone "
        "uses, and a yes or no to “aged 18 or over”. Name, document number and birthday are not shared. If "
        "you are under 14, your guardian has to agree.",
    ),
    other_way=Words("填写姓名和证件号码注册", "Sign up by typing in your name and document number"),
    other_way_shares=Words(
        "游戏会收到姓名和证件号码，从号码里能看出生日。未满14岁的，请监护人填写。",
        "The game receives name and document number, and the number tells your birthday. If you are under "
        "14, ask your guardian to fill it in.",
    ),
    other_way_fields=("name", "document_number"),
    optional_fields=frozenset(),
    old_way=("name", "document_number"),
    features=(
        Feature("play", Words("开局对弈", "Play games")),
        Feature("rank", Words("看排行榜", "See the ranking")),
        Feature("replay", Words("复盘", "Replay games")),
    ),
    deed=Deed(
        button=Words("开一局", "Start a game"),
        prompt=None,
        done=Words("第{number}局", "Game {number}"),
    ),
    retention_days=180,
)

PARCELS = Scene(
    id="parcels",
    name=Words("风筝寄件", "Kite Parcels"),
    operator=Words("风筝快递（虚构）有限公司", "Kite Express (made up) Ltd"),
    why=Words(
        "寄件要登记寄件人的身份（《快递暂行条例》第二十二条）。",
        "Sending a parcel needs a record of who sends it "
        "(Interim Regulations on Express Delivery, article 22).",
    ),
    purpose="real-name-parcel",
    netid_shares=Words(
        "先由公共服务平台问您是否同意。同意后，风筝寄件会收到核验结果、核验方式、核验时间、"
        "只在这里使用的标识，以及姓名和证件号码；手机号码由您决定给不给。",
        "The provider first asks you. If you agree, Kite Parcels will receive the check result, how and when "
        "you were checked, an identifier it alone uses, and your name and document number; your mobile "
        "number is up to you.",
    ),
    other_way=Words("填写身份信息注册", "Sign up by typing in your details"),
    other_way_shares=Words(
        "风筝寄件会收到您填写的姓名和证件号码；手机号码可以不填。",
        "Kite Parcels receives the name and document number you type in; your mobile number is up to you.",
    ),
    other_way_fields=("name", "document_number", "phone_number"),
    optional_fields=frozenset({"phone_number"}),
    old_way=("name", "document_number", "phone_number"),
    features=(
        Feature("send", Words("寄件", "Send parcels")),
        Feature("track", Words("查看物流", "Track parcels")),
        Feature("invoice", Words("开发票", "Get invoices")),
    ),
    deed=Deed(
        button=Words("寄一件", "Send a parcel"),
        prompt=Words("寄往哪里", "Where it goes"),
        done=Words("第{number}件，寄往{text}", "Parcel {number}, to {text}"),
    ),
    retention_days=365,
    userinfo_alg="ES256",
)

SCENES = (FORUM, GAME, PARCELS)
